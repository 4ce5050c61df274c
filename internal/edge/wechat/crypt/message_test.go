package crypt

import (
	"embed"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"guanxi/internal/base/id"
)

//go:embed testdata/msg
var messageVectors embed.FS

func published(t testing.TB, name string) string {
	t.Helper()
	b, err := messageVectors.ReadFile("testdata/msg/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func messageKey(t testing.TB, token, aes, receiver string) *MessageKey {
	t.Helper()
	k, err := NewMessageKey(token, aes, receiver)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestPlainSignature(t *testing.T) {
	t.Parallel()
	const sig = "f21891de399b4e33a1a93c9a7b8a8fffb5a443ff"
	if err := CheckPlain("test", sig, "1410685589", "test"); err != nil {
		t.Error(err)
	}
	for _, bad := range [][4]string{{"test", sig, "1410685589", "tesu"}, {"tesu", sig, "1410685589", "test"}, {"", SortedSHA1("", "1", "n"), "1", "n"}, {"test", "", "1410685589", "test"}} {
		if err := CheckPlain(bad[0], bad[1], bad[2], bad[3]); !errors.Is(err, ErrMessageSignature) {
			t.Errorf("%q taken: %v", bad, err)
		}
	}
}

// The vectors of WeCom's documents and of wechatpy, as published.
func TestMessagesOpen(t *testing.T) {
	t.Parallel()
	work := messageKey(t, "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")
	py := messageKey(t, "123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a")
	for _, c := range []struct {
		name                              string
		key                               *MessageKey
		signature, timestamp, nonce, text string
		want                              string
	}{
		{"V1", work, "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780",
			"P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==", "1616140317555161061"},
		{"V2", work, "477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149", published(t, "v2.sealed"), published(t, "v2.text")},
		{"V4 address", py, "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96", "1411443780", "437374425",
			"4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==", "5927782489442352469"},
	} {
		got, err := c.key.Open(c.signature, c.timestamp, c.nonce, c.text)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	if _, err := py.Open("dd6b9c95b495b3f7e2901bfbc76c664930ffdb96", "1411443780", "437374424",
		"4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q=="); !errors.Is(err, ErrMessageSignature) {
		t.Errorf("another nonce: %v", err)
	}
	got, err := py.Open("74d92dfeb87ba7c714f89d98870ae5eb62dff26d", "1411525903", "461056294", published(t, "v4b.sealed"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<![CDATA[messense]]>", "<![CDATA[test]]>", "4363689963896700987", "<AgentID>1</AgentID>"} {
		if !strings.Contains(string(got), part) {
			t.Errorf("V4: %s is not in %s", part, got)
		}
	}
	v3 := MessageKey{token: "ovAkP0Tb"}
	if s := v3.Signature("1628737717", "1811081856", published(t, "v3.sealed")); s != "8128e41a38892d814e4aa67753425da9dc8ec2b3" {
		t.Errorf("V3: %s", s)
	}
}

func TestMessagesAreSealedAsPublished(t *testing.T) {
	t.Parallel()
	py := messageKey(t, "123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a")
	sealed, sig := py.seal("1234567890123456", []byte(published(t, "v4.text")), "1411525903", "461056294")
	if sealed != published(t, "v4.sealed") || sig != "407518b7649e86ef23978113f92d27afa9296533" {
		t.Errorf("%s\n%s", sig, sealed)
	}
	for n := range 100 {
		text := strings.Repeat("会", n)
		sealed, sig := py.Seal([]byte(text), "1", "n")
		if got, err := py.Open(sig, "1", "n", sealed); err != nil || string(got) != text {
			t.Fatalf("%d: %q %v", n, got, err)
		}
	}
}

func TestMessagesOfOthersAndAlteredOnesAreRefused(t *testing.T) {
	t.Parallel()
	const aes = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
	ours, theirs := messageKey(t, "tok", aes, "wxours"), messageKey(t, "tok", aes, "wxtheirs")
	sealed, sig := theirs.Seal([]byte("hello"), "1", "n")
	if _, err := ours.Open(sig, "1", "n", sealed); !errors.Is(err, ErrMessageReceiver) {
		t.Errorf("of another account: %v", err)
	}
	sealed, _ = ours.Seal([]byte("hello"), "1", "n")
	for i := range len(sealed) {
		b := []byte(sealed)
		b[i] ^= 1
		if text, err := ours.Open(ours.Signature("1", "n", sealed), "1", "n", string(b)); err == nil {
			t.Fatalf("byte %d altered and taken: %q", i, text)
		}
		// Also one who knew the token alone: the signature fits, the text must still not pass for another's.
		if text, err := ours.Open(ours.Signature("1", "n", string(b)), "1", "n", string(b)); err == nil && len(text) != 5 {
			t.Fatalf("byte %d altered: %q", i, text)
		}
	}
	for _, key := range []string{"", "short", aes + "A", strings.Repeat("=", 43)} {
		if _, err := NewMessageKey("tok", key, "wx"); !errors.Is(err, ErrMessageKey) {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

func TestJSSDKAndCardSignatures(t *testing.T) {
	t.Parallel()
	const ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
	for _, url := range []string{"http://mp.weixin.qq.com?params=value", "http://mp.weixin.qq.com?params=value#home"} {
		if got := JSSDK(ticket, "Wm3WZYTPz0wzccnW", "1414587457", url); got != "0f9de62fce790f9a083d5c99e95740ceb90c27ed" {
			t.Errorf("%s: %s", url, got)
		}
	}
	for want, values := range map[string][]string{
		"22dce6bad4db532d4a2ef82ca2ca7bbe1e10ef28": {ticket, "1414587457", "random_card_id", "Wm3WZYTPz0wzccnW"},
		"2e9c6d12952246e071717d7baeab20c30420b5cd": {ticket, "1414587457", "random_card_id", "Wm3WZYTPz0wzccnW", "random_code"},
		"f7c3bc1d808e04732adf679965ccc34ca7ae3441": {"789", "456", "123"},
	} {
		if got := SortedSHA1(values...); got != want {
			t.Errorf("%v: %s", values, got)
		}
	}
}

func TestOpenData(t *testing.T) {
	t.Parallel()
	if err := CheckOpenData(published(t, "open.raw"), "HyVFkGl5F5OQWJZZaNzBBg==", "75e81ceda165f4ffa64f4068af58c64b8f54b88c"); err != nil {
		t.Error(err)
	}
	if err := CheckOpenData(published(t, "open.raw")+" ", "HyVFkGl5F5OQWJZZaNzBBg==", "75e81ceda165f4ffa64f4068af58c64b8f54b88c"); err == nil {
		t.Error("altered raw data taken")
	}
	const appid, key, iv = "wx4f4bc4dec97d474b", "tiihtNczf5v6AKRyjwEUhQ==", "r7BXXKkLb8qrSNn05n0qiA=="
	sealed := published(t, "open.sealed")
	text, err := OpenData(appid, key, iv, sealed)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		OpenID, UnionID, NickName string
		Watermark                 struct {
			Timestamp int64
			AppID     string
		}
	}
	if err := json.Unmarshal(text, &got); err != nil || got.OpenID != "oGZUI0egBJY1zhBYw2KhdUfwVJJE" || got.UnionID != "ocMvos6NjeKLIBqg5Mr9QjxrP1FA" ||
		got.NickName != "Band" || got.Watermark.Timestamp != 1477314187 || got.Watermark.AppID != appid {
		t.Errorf("%s %v", text, err)
	}
	for name, f := range map[string]func() ([]byte, error){
		"another app": func() ([]byte, error) { return OpenData("wx4f4bc4dec97d474c", key, iv, sealed) },
		"another key": func() ([]byte, error) { return OpenData(appid, "HyVFkGl5F5OQWJZZaNzBBg==", iv, sealed) },
		"a short key": func() ([]byte, error) { return OpenData(appid, "AAAA", iv, sealed) },
		"a short iv":  func() ([]byte, error) { return OpenData(appid, key, "AAAA", sealed) },
		"no text":     func() ([]byte, error) { return OpenData(appid, key, iv, "") },
		"half a text": func() ([]byte, error) { return OpenData(appid, key, iv, sealed[:len(sealed)-8]) },
	} {
		if text, err := f(); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func FuzzMessageOpen(f *testing.F) {
	k := messageKey(f, "123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a")
	f.Add(published(f, "v4.sealed"))
	f.Add(published(f, "v4b.sealed"))
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, sealed string) {
		text, err := k.Open(k.Signature("1", "n", sealed), "1", "n", sealed)
		if err == nil && len(text) > len(sealed) {
			t.Errorf("%d bytes out of %d", len(text), len(sealed))
		}
		if err != nil && text != nil {
			t.Error("a text beside an error")
		}
	})
}

func FuzzOpenData(f *testing.F) {
	f.Add(published(f, "open.sealed"), "r7BXXKkLb8qrSNn05n0qiA==")
	f.Fuzz(func(t *testing.T, sealed, iv string) {
		text, err := OpenData("wx4f4bc4dec97d474b", "tiihtNczf5v6AKRyjwEUhQ==", iv, sealed)
		if err == nil && !strings.Contains(string(text), "wx4f4bc4dec97d474b") {
			t.Errorf("taken without our mark: %s", text)
		}
	})
}

func BenchmarkMessageOpen(b *testing.B) {
	k := messageKey(b, "tok", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wxours")
	sealed, sig := k.Seal([]byte(strings.Repeat("x", 400)+id.Token(8)), "1", "n")
	for b.Loop() {
		if _, err := k.Open(sig, "1", "n", sealed); err != nil {
			b.Fatal(err)
		}
	}
}
