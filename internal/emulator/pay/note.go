package pay

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"guanxi/internal/emulator/world"
)

// plan is how long the platform waits after each try, in seconds: 15 times more, 24 hours and 4 minutes in all.
var plan = []int64{15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600}

// note is one notification on its way.
type note struct {
	m        *Merchant
	url      string
	id       string
	event    string
	original string
	summary  string
	at       int64
	plain    []byte
	tries    int
}

// tell begins a notification. The caller holds the lock.
func (p *Pay) tell(m *Merchant, to, event, original, summary string, what any) {
	plain, _ := json.Marshal(what) // plain structs
	n := &note{m: m, url: to, id: p.w.Word(8) + "-" + p.w.Word(27), event: event, original: original, summary: summary, at: p.w.Clock.Now(), plain: plain}
	if p.dice(100) < p.trouble.Lost {
		p.counts.Lost++
		return
	}
	late := int64(0)
	if p.trouble.Spread > 0 {
		late = int64(p.dice(int(p.trouble.Spread)))
	}
	if p.dice(100) < p.trouble.Probe {
		p.counts.Probes++
		p.w.Later(late, func() { p.send(n, true) })
	}
	p.w.Later(late, func() { p.try(n) })
	if p.dice(100) < p.trouble.Twice {
		p.counts.Twice++
		p.w.Later(late+int64(p.dice(3000)), func() { p.send(n, false) })
	}
}

// TellAgain sends the notification of a paid order once more, as the platform does when it did not hear our answer.
func (p *Pay) TellAgain(mchID, no string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.orders[mchID+"/"+no]
	if o == nil || o.PaidAt == 0 {
		return errPrepay
	}
	was := p.trouble
	p.trouble = Trouble{}
	p.tell(o.m, o.Notify, "TRANSACTION.SUCCESS", "transaction", "支付成功", p.transaction(o))
	p.trouble = was
	return nil
}

// try sends a notification and plans the next try when it is not taken.
func (p *Pay) try(n *note) {
	n.tries++
	if p.send(n, false) || n.tries > len(plan) {
		return
	}
	p.w.Later(plan[n.tries-1]*1000, func() { p.try(n) })
}

// send sends a notification once; a probe carries a signature that fits nothing.
func (p *Pay) send(n *note, probe bool) (taken bool) {
	nonce, data := p.w.Word(12), n.original
	body, _ := json.Marshal(map[string]any{ // plain values
		"id": n.id, "create_time": stamp(n.at), "resource_type": "encrypt-resource", "event_type": n.event, "summary": n.summary,
		"resource": map[string]string{"original_type": n.original, "algorithm": "AEAD_AES_256_GCM", "associated_data": data, "nonce": nonce,
			"ciphertext": seal(n.m.APIv3, nonce, data, n.plain)}})
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	for k, v := range p.signed(n.m, body, false) {
		r.Header.Set(k, v)
	}
	if probe {
		r.Header.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/"+base64.StdEncoding.EncodeToString(p.w.Bytes(246))[:325])
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Mozilla/4.0")
	x := world.Exchange{Out: true, Method: http.MethodPost, Path: path(n.url), Body: string(body)}
	answer, err := p.w.Client.Do(r)
	if err == nil {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 8<<10))
		_ = answer.Body.Close()
		x.Status, x.Answer = answer.StatusCode, string(text)
	}
	p.w.Record.Add(x)
	taken = x.Status == http.StatusOK || x.Status == http.StatusNoContent
	p.mu.Lock()
	p.counts.Sent++
	if taken {
		p.counts.Answered++
	}
	p.mu.Unlock()
	return taken
}

func path(to string) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	return u.Path
}

// seal encrypts with an APIv3 key: Base64(text ‖ tag).
func seal(key, nonce, data string, plain []byte) string {
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		return ""
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), plain, []byte(data)))
}
