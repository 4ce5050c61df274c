package password

import (
	"strings"
	"testing"
)

func TestHashes(t *testing.T) {
	t.Parallel()
	const secret = "correct horse battery"
	p := Of(secret)
	if !strings.HasPrefix(string(p), "$argon2id$v=19$m=19456,t=2,p=1$") || len(p) > 200 || !p.Matches(secret) || p.Matches(secret+" ") {
		t.Errorf("hash %s", p)
	}
	if Of(secret) == p {
		t.Error("two hashes of one password are equal")
	}
	for _, broken := range []Hash{"", "$argon2id$v=19$m=19456,t=2,p=1$x", "$argon2i$v=19$m=19456,t=2,p=1$YWJj$YWJj", "$argon2id$v=1$m=1,t=1,p=1$YWJj$YWJj"} {
		if broken.Matches("") || broken.Matches(secret) {
			t.Errorf("%q matches", broken)
		}
	}
	for word, ok := range map[string]bool{"twelve chars": true, "eleven char": false, "xx-Ann-xx-xx": false,
		"abababababab": false, "密码要够长十二个字符才行": true, strings.Repeat("abc", 43): false} {
		if isStrong("ann", word) != ok {
			t.Errorf("%q", word)
		}
	}
}
