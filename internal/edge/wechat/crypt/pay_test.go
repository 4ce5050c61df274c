package crypt

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
)

//go:embed testdata/pay
var vectors embed.FS

func vector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := vectors.ReadFile("testdata/pay/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func publicKey(t testing.TB, name, serial string) PayKey {
	t.Helper()
	k, err := ParsePayKey(serial, vector(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The published values are checked with the public half: only the right message fits the published signature.
func TestPublishedRequestAndButtonSignatures(t *testing.T) {
	t.Parallel()
	key := publicKey(t, "p1.pub", "").Key
	const ts, nonce = "1554208460", "593BEC0C930BF1AFEB40B4A08C8FB242"
	request := PayRequestMessage("POST", "/v3/pay/transactions/jsapi", ts, nonce, vector(t, "p1.body"))
	jsapi := PayAppMessage("wx2421b1c4370ec43b", ts, nonce, "prepay_id=wx201410272009395522657a690389285100")
	app := PayAppMessage("wx2421b1c4370ec43b", ts, nonce, "wx201410272009395522657a690389285100")
	for name, message := range map[string][]byte{"p1.sig": request, "p1.jsapi": jsapi, "p1.app": app} {
		sig := string(vector(t, name))
		if err := PayVerify(key, message, sig); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		everyChange(t, message, func(changed []byte) error { return PayVerify(key, changed, sig) })
	}
	if err := PayVerify(key, app, string(vector(t, "p1.jsapi"))); err == nil {
		t.Error("the signature of a page fits the message of an app")
	}
}

// everyChange changes each byte in turn (of long messages every seventh): none may pass.
func everyChange(t *testing.T, message []byte, verify func([]byte) error) {
	t.Helper()
	step := 1
	if len(message) > 120 {
		step = 7
	}
	for i := 0; i < len(message); i += step {
		b := append([]byte(nil), message...)
		b[i] ^= 1
		if verify(b) == nil {
			t.Errorf("byte %d changed and nobody noticed", i)
		}
	}
	if verify(message[:len(message)-1]) == nil || verify(append(append([]byte(nil), message...), '\n')) == nil {
		t.Error("a line more or less and nobody noticed")
	}
}

func TestPublishedResponse(t *testing.T) {
	t.Parallel()
	var keys PayKeys
	keys.Set(publicKey(t, "p2.pub", "PUB_KEY_ID_1"))
	body := []byte(`{"code_url":"weixin://wxpay/bizpayurl?pr=JyC91EIz1"}`)
	s := PaySigned{"PUB_KEY_ID_1", "1722850421", "d824f2e086d3c1df967785d13fcd22ef", string(vector(t, "p2.sig"))}
	at := int64(1722850421) * 1000
	verify := func(b []byte) error { return keys.Verify(s, b, at) }
	if err := verify(body); err != nil {
		t.Fatal(err)
	}
	everyChange(t, body, verify)
	for off, want := range map[int64]error{0: nil, 299_999: nil, -299_999: nil, 300_000: ErrPayStale, -300_000: ErrPayStale, clock.Day: ErrPayStale} {
		if err := keys.Verify(s, body, at+off); !errors.Is(err, want) {
			t.Errorf("%d ms off: %v", off, err)
		}
	}
	for name, c := range map[string]struct {
		change func(*PaySigned)
		want   error
	}{
		"serial":        {func(s *PaySigned) { s.Serial = "PUB_KEY_ID_2" }, ErrPaySerial},
		"nonce":         {func(s *PaySigned) { s.Nonce += "0" }, ErrPaySignature},
		"another time":  {func(s *PaySigned) { s.Timestamp = "1722850422" }, ErrPaySignature},
		"plus":          {func(s *PaySigned) { s.Timestamp = "+1722850421" }, ErrPayHeader},
		"zero in front": {func(s *PaySigned) { s.Timestamp = "01722850421" }, ErrPaySignature},
		"no number":     {func(s *PaySigned) { s.Timestamp = "today" }, ErrPayHeader},
		"too long":      {func(s *PaySigned) { s.Timestamp = "9999999999999" }, ErrPayHeader},
		"probe":         {func(s *PaySigned) { s.Signature = "WECHATPAY/SIGNTEST/" + s.Signature[19:] }, ErrPaySignature},
		"short":         {func(s *PaySigned) { s.Signature = s.Signature[:340] }, ErrPaySignature},
		"line break":    {func(s *PaySigned) { s.Signature = s.Signature[:342] + "\r\n" }, ErrPaySignature},
		"no Base64":     {func(s *PaySigned) { s.Signature = strings.Repeat("*", 344) }, ErrPaySignature},
		"empty":         {func(s *PaySigned) { s.Signature = "" }, ErrPaySignature},
	} {
		bad := s
		c.change(&bad)
		if err := keys.Verify(bad, body, at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPublishedNotification(t *testing.T) {
	t.Parallel()
	key := publicKey(t, "p3.pub", "D7CE59D1F522D701")
	if err := PayVerify(key.Key, []byte("source"), string(vector(t, "p3.source"))); err != nil {
		t.Error(err)
	}
	var keys PayKeys
	keys.Set(key)
	body := vector(t, "p3.body")
	h := http.Header{}
	h.Set("Wechatpay-Timestamp", "1624523846")
	h.Set("Wechatpay-Nonce", "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz")
	h.Set("Wechatpay-Serial", "D7CE59D1F522D701")
	h.Set("Wechatpay-Signature", string(vector(t, "p3.sig")))
	s, err := PaySignedOf(h)
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Verify(s, body, 1624523846000); err != nil {
		t.Fatal(err)
	}
	var doc struct{ Resource PayResource }
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	plain, err := doc.Resource.Open([]byte("testMchAPIv3Key0"))
	const want = `{"mchid":"1234567890","appid":"054aa7d7a2a54ab5898df65bd96f001c","create_time":"2020-06-30T12:12:00+08:00","out_contract_code":"21640bdbd08e473e828f3206a2741c6e"}`
	if err != nil || string(plain) != want {
		t.Errorf("%s, %v", plain, err)
	}
	h.Add("Wechatpay-Nonce", "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz")
	if _, err := PaySignedOf(h); !errors.Is(err, ErrPayHeader) {
		t.Errorf("a header that comes twice: %v", err)
	}
	h.Del("Wechatpay-Nonce")
	if _, err := PaySignedOf(h); !errors.Is(err, ErrPayHeader) {
		t.Errorf("a header that is missing: %v", err)
	}
}

func TestPublishedResources(t *testing.T) {
	t.Parallel()
	const key, nonce, aad, sealed = "testAPIv3Key0000", "wCq51qZv4Yfg", "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8", "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC"
	if b, err := OpenPayText([]byte(key), nonce, aad, sealed); err != nil || string(b) != "Hello World" {
		t.Errorf("%q, %v", b, err)
	}
	for name, c := range map[string][4]string{
		"no Base64":       {key, nonce, aad, "invalid cipher"},
		"too short":       {key, nonce, aad, "SGVsbG8gV29ybGQK"},
		"another key":     {"testAPIv3Key1111", nonce, aad, sealed},
		"a long nonce":    {key, nonce + "0", aad, sealed},
		"no nonce":        {key, "", aad, sealed},
		"other data":      {key, nonce, aad + " ", sealed},
		"no data":         {key, nonce, "", sealed},
		"a key too short": {key[:15], nonce, aad, sealed},
		"no key":          {"", nonce, aad, sealed},
		"a line break":    {key, nonce, aad, sealed[:4] + "\n" + sealed[4:]},
	} {
		if c[3] == sealed[:4]+"\n"+sealed[4:] { // the decoder skips it and the tag holds: not a second spelling of another text
			continue
		}
		if b, err := OpenPayText([]byte(c[0]), c[1], c[2], c[3]); !errors.Is(err, ErrPayResource) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	b, err := OpenPayText([]byte("f09b03a7a1902b5b4913856f1fd07ab1"), "aae8c2e79c5b", "certificate", string(vector(t, "p5.sealed")))
	sum := sha256.Sum256(b)
	if err != nil || len(b) != 1398 || hex.EncodeToString(sum[:]) != "522c6a3c1dcb0f78f0f61e88bde8d14560a3e3fdabce72bff8afc924144af32f" {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	c, err := ParsePayCertificate(b)
	if err != nil || c.Serial == "" || c.Until <= c.From || c.Key.Size() != 256 {
		t.Errorf("certificate %+v, %v", c, err)
	}
	r := PayResource{Algorithm: "AEAD_AES_128_GCM", Ciphertext: sealed, AssociatedData: aad, Nonce: nonce}
	if _, err := r.Open([]byte(key)); !errors.Is(err, ErrPayResource) {
		t.Errorf("another algorithm: %v", err)
	}
}

func TestCertificateHasATerm(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const at = 1_800_000_000_000
	sig, err := PaySign(private, PayMessage("1800000000", "n", []byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	s := PaySigned{"AB", "1800000000", "n", sig}
	for name, c := range map[string]struct {
		from, until int64
		want        error
	}{
		"in its term": {at - 1, at + 1, nil}, "over": {at - 2, at, ErrPaySerial}, "not yet": {at + 1, at + 2, ErrPaySerial},
	} {
		var keys PayKeys
		keys.Set(PayKey{"AB", &private.PublicKey, c.from, c.until})
		if err := keys.Verify(s, []byte("x"), at); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&PayKeys{}).Verify(s, []byte("x"), at); !errors.Is(err, ErrPaySerial) {
		t.Errorf("no keys at all: %v", err)
	}
	sealed, err := SealPayField(&private.PublicKey, "13800000000")
	if err != nil || strings.Contains(sealed, "138") {
		t.Fatal(sealed, err)
	}
	if text, err := OpenPayField(private, sealed); err != nil || text != "13800000000" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := OpenPayField(private, sealed[:340]+"AAA="); !errors.Is(err, ErrPayResource) {
		t.Errorf("altered: %v", err)
	}
}

func TestAuthorizationHeader(t *testing.T) {
	t.Parallel()
	const want = `WECHATPAY2-SHA256-RSA2048 mchid="1900007291",nonce_str="n",signature="s",timestamp="1",serial_no="408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"`
	if got := PayAuthorization(PayScheme, "1900007291", "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB", "1", "n", "s"); got != want {
		t.Error(got)
	}
	if got := PayAuthorization(BrandScheme, "7", "A", "1", "n", "s"); !strings.HasPrefix(got, `WECHATPAY-BRAND-SHA256-RSA2048 brand_id="7",`) {
		t.Error(got)
	}
}

func FuzzPayResource(f *testing.F) {
	key := []byte("f09b03a7a1902b5b4913856f1fd07ab1")
	f.Add("aae8c2e79c5b", "certificate", string(vector(f, "p5.sealed")))
	f.Add("", "", "")
	f.Add("short", "a", "AAAA")
	f.Fuzz(func(t *testing.T, nonce, data, sealed string) {
		b, err := OpenPayText(key, nonce, data, sealed)
		if err == nil && (nonce != "aae8c2e79c5b" || data != "certificate" || len(b) != 1398) {
			t.Fatalf("%q opened", sealed)
		}
	})
}

// BenchmarkPayVerify measures one delivery from its headers on: reading them, the time, the key, SHA-256 over the body, RSA.
func BenchmarkPayVerify(b *testing.B) {
	var keys PayKeys
	keys.Set(publicKey(b, "p3.pub", "D7CE59D1F522D701"))
	h := http.Header{"Wechatpay-Timestamp": {"1624523846"}, "Wechatpay-Nonce": {"EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz"},
		"Wechatpay-Serial": {"D7CE59D1F522D701"}, "Wechatpay-Signature": {string(vector(b, "p3.sig"))}}
	body := vector(b, "p3.body")
	run := func(name string, body []byte, now int64, want error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s, err := PaySignedOf(h)
				if err == nil {
					err = keys.Verify(s, body, now)
				}
				if !errors.Is(err, want) {
					b.Fatal(err)
				}
			}
		})
	}
	run("genuine", body, 1624523846000, nil)
	run("altered", append([]byte(" "), body...), 1624523846000, ErrPaySignature)
	run("stale", body, 1624523846000+clock.Hour, ErrPayStale)
}
