package pay

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/edge/wechat/crypt"
)

type certificate struct {
	Serial string            `json:"serial_no"`
	Sealed crypt.PayResource `json:"encrypt_certificate"`
}

// Certificates fetches the platform's certificates. Each is sealed with the APIv3 key, which only the platform knows
// besides us; the answer itself must then be signed by one of them.
func (c *Client) Certificates(ctx context.Context) ([]crypt.PayKey, error) {
	var out []crypt.PayKey
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/v3/certificates", trust: func(h http.Header, text []byte) (err error) {
		if out, err = c.openCertificates(text); err != nil {
			return err
		}
		var keys crypt.PayKeys
		keys.Set(out...)
		s, err := crypt.PaySignedOf(h)
		if err != nil {
			return err
		}
		return keys.Verify(s, text, c.now.Now())
	}})
	return out, err
}

func (c *Client) openCertificates(text []byte) (out []crypt.PayKey, err error) {
	var doc struct{ Data []certificate }
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	for _, d := range doc.Data {
		plain, err := d.Sealed.Open([]byte(c.apiv3.Reveal()))
		if err != nil {
			return nil, err
		}
		k, err := crypt.ParsePayCertificate(plain)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

const (
	certsLive  = 12 * clock.Hour // the platform asks for a look at least this often
	certsPause = clock.Minute    // forged serial numbers must not make us ask all the time
)

// ready fetches the certificates when a serial number is unknown, and when they are old. The public key needs none; a
// merchant that has it may still get deliveries signed by a certificate while it moves.
func (c *Client) ready(ctx context.Context, serial string) error {
	if strings.HasPrefix(serial, "PUB_KEY_ID_") {
		return nil
	}
	c.fetching.Lock()
	defer c.fetching.Unlock()
	age := c.now.Now() - c.fetched
	if c.fetched != 0 && (age < certsPause || c.keys.Has(serial) && age < certsLive) {
		return nil
	}
	list, err := c.Certificates(ctx)
	if err != nil {
		if c.keys.Has(serial) {
			return nil // what is known holds until its term ends
		}
		return err
	}
	c.fetched = c.now.Now()
	c.keys.Set(append(list, c.known...)...)
	return nil
}
