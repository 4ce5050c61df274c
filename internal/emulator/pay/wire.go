package pay

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// problem is a refusal: HTTP status, code, words, and the number that ends the request id.
type problem struct {
	status  int
	code    string
	message string
	number  string
}

func (p *problem) Error() string { return p.code + ": " + p.message }

func bad(message string) *problem { return &problem{400, "PARAM_ERROR", message, "268435461"} }

// asked is a request whose sender is known.
type asked struct {
	r    *http.Request
	m    *Merchant
	body []byte
}

// handler answers a request of a known merchant: a status and what to say; nil says nothing.
type handler func(q *asked) (status int, out any, err *problem)

var authorization = regexp.MustCompile(`^(\S+) (mchid|brand_id)="([^"]*)",nonce_str="([^"]*)",signature="([^"]*)",timestamp="([^"]*)",serial_no="([^"]*)"$`)

const (
	merchantScheme = "WECHATPAY2-SHA256-RSA2048"
	brandScheme    = "WECHATPAY-BRAND-SHA256-RSA2048"
)

func (p *Pay) handle(pattern string, h handler) {
	p.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			p.refuse(w, r, nil, bad("the body can't be read"))
			return
		}
		m, no := p.who(r, body)
		if no != nil {
			p.refuse(w, r, m, no)
			return
		}
		p.mu.Lock()
		status, out, no := h(&asked{r, m, body})
		p.mu.Unlock()
		if no != nil {
			p.refuse(w, r, m, no)
			return
		}
		p.answer(w, r, m, status, out, "0")
	})
}

// who finds the sender by its signature over exactly the bytes that were sent.
func (p *Pay) who(r *http.Request, body []byte) (*Merchant, *problem) {
	wrong := &problem{401, "SIGN_ERROR", "the signature is wrong", "268443699"}
	part := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if part == nil || len(r.Header.Values("Authorization")) != 1 {
		return nil, wrong
	}
	scheme, kind, name, nonce, signature, stamp, serial := part[1], part[2], part[3], part[4], part[5], part[6], part[7]
	brand := strings.HasPrefix(r.URL.Path, "/brand/")
	if brand != (scheme == brandScheme) || brand != (kind == "brand_id") || !brand && scheme != merchantScheme {
		return nil, wrong
	}
	p.mu.Lock()
	m, key, number := p.account(brand, name)
	p.mu.Unlock()
	if m == nil {
		return nil, &problem{400, "MCH_NOT_EXISTS", "no such merchant", "268443715"}
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	now := p.w.Clock.Now() / 1000
	if err != nil || max(at-now, now-at) > 300 || len(nonce) < 1 || len(nonce) > 32 || serial != number {
		return m, wrong
	}
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return m, wrong
	}
	var b bytes.Buffer
	for _, line := range []string{r.Method, r.URL.RequestURI(), stamp, nonce, string(body)} {
		b.WriteString(line + "\n")
	}
	sum := sha256.Sum256(b.Bytes())
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) != nil {
		return m, wrong
	}
	if r.Header.Get("Accept") == "" || r.Header.Get("User-Agent") == "" {
		return m, bad("Accept and User-Agent are wanted")
	}
	if s := r.Header.Get("Wechatpay-Serial"); brand && s != p.keys.PublicID {
		return m, bad("Wechatpay-Serial is wanted")
	}
	return m, nil
}

func (p *Pay) account(brand bool, name string) (*Merchant, *rsa.PublicKey, string) {
	if brand {
		if m := p.brands[name]; m != nil {
			return m, m.Brand.Key, m.Brand.Serial
		}
		return nil, nil, ""
	}
	if m := p.merchants[name]; m != nil {
		return m, m.Key, m.Serial
	}
	return nil, nil, ""
}

// into reads a body; a field that is not documented is refused.
func (q *asked) into(v any) *problem {
	d := json.NewDecoder(bytes.NewReader(q.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if strings.Contains(err.Error(), "unknown field") {
			return &problem{400, "PARAM_ERROR", "there is a field that is not documented", "270924358"}
		}
		return bad("the body is no JSON of the right form")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad("something stands behind the body")
	}
	return nil
}

func (p *Pay) refuse(w http.ResponseWriter, r *http.Request, m *Merchant, no *problem) {
	p.answer(w, r, m, no.status, map[string]any{"code": no.code, "message": no.message}, no.number)
}

// answer writes an answer and signs it.
func (p *Pay) answer(w http.ResponseWriter, r *http.Request, m *Merchant, status int, out any, number string) {
	var body []byte
	if file, ok := out.([]byte); ok { // a bill: not signed
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Request-Id", p.w.Word(24)+"-"+number)
		w.WriteHeader(status)
		_, _ = w.Write(file)
		return
	}
	if out != nil {
		body, _ = json.Marshal(out) // plain structs
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	for k, v := range p.signed(m, body, p.w.Faults.Twisted(r.URL.Path)) {
		w.Header().Set(k, v)
	}
	w.Header().Set("Request-Id", p.w.Word(24)+"-"+number)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// signed makes the four headers over a body; twisted ones fit no key.
func (p *Pay) signed(m *Merchant, body []byte, twisted bool) map[string]string {
	stamp, nonce := strconv.FormatInt(p.w.Clock.Now()/1000, 10), p.w.Word(32)
	sum := sha256.Sum256([]byte(stamp + "\n" + nonce + "\n" + string(body) + "\n"))
	if twisted {
		sum[0] ^= 1
	}
	sig, err := rsa.SignPKCS1v15(nil, p.keys.Key, crypto.SHA256, sum[:])
	if err != nil {
		return nil
	}
	serial := p.keys.PublicID
	if m != nil && m.Certificates {
		serial = p.keys.Serial
	}
	return map[string]string{"Wechatpay-Timestamp": stamp, "Wechatpay-Nonce": nonce, "Wechatpay-Serial": serial,
		"Wechatpay-Signature": base64.StdEncoding.EncodeToString(sig)}
}
