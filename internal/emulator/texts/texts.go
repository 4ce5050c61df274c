// Package texts answers like the two vendors of short messages: it verifies their signatures byte by byte, holds their limits, and lets the
// messages arrive on the phones of the world's people.
package texts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"sync"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/emulator/world"
)

// Vendor is an account with one vendor.
type Vendor struct {
	W         *world.World
	KeyID     string
	Secret    string
	Sign      string            // the approved signature
	AppID     string            // of Tencent
	Templates map[string]string // code: text with ${name} or {1}

	mu   sync.Mutex
	sent map[string][]int64 // by number: when
	n    int
}

// limits of one number: a minute, an hour, a day.
var limits = []struct {
	within int64
	most   int
}{{clock.Minute, 1}, {clock.Hour, 5}, {clock.Day, 10}}

func (v *Vendor) over(number string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sent == nil {
		v.sent = map[string][]int64{}
	}
	now := v.W.Clock.Now()
	for _, l := range limits {
		n := 0
		for _, at := range v.sent[number] {
			if now-at < l.within {
				n++
			}
		}
		if n >= l.most {
			return true
		}
	}
	v.sent[number] = append(v.sent[number], now)
	v.n++
	return false
}

func (v *Vendor) arrive(number, text string) {
	if p, ok := v.W.WithPhone(number); ok {
		v.W.Show(p.ID, world.Bubble{From: "sms", Name: "短信", Kind: "sms", Text: "【" + v.Sign + "】" + text})
	}
}

func hexSHA(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// field reads one part of an Authorization header.
func field(auth, name string) string {
	_, rest, ok := strings.Cut(auth, name+"=")
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, ",")
	return strings.TrimSpace(value)
}

// canonical rebuilds what was signed from the request as it came.
func canonical(r *http.Request, signed string, body []byte) string {
	block := ""
	for _, name := range strings.Split(signed, ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		block += name + ":" + strings.TrimSpace(value) + "\n"
	}
	return strings.Join([]string{r.Method, r.URL.Path, query(r.URL.Query()), block, signed, hexSHA(body)}, "\n")
}

func query(q url.Values) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(q.Encode())
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// Aliyun answers SendSms of 2017-05-25.
func (v *Vendor) Aliyun() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, code string) {
			answer(w, status, map[string]string{"Code": code, "Message": code, "RequestId": v.W.Word(20)})
		}
		body, _ := io.ReadAll(r.Body)
		auth := r.Header.Get("Authorization")
		at, err := time.Parse("2006-01-02T15:04:05Z", r.Header.Get("X-Acs-Date"))
		text := canonical(r, field(auth, "SignedHeaders"), body)
		want := hex.EncodeToString(mac([]byte(v.Secret), "ACS3-HMAC-SHA256\n"+hexSHA([]byte(text))))
		q := r.URL.Query()
		params := map[string]string{}
		template, known := v.Templates[q.Get("TemplateCode")]
		switch {
		case field(auth, "ACS3-HMAC-SHA256 Credential") != v.KeyID:
			refuse(http.StatusNotFound, "InvalidAccessKeyId.NotFound")
		case field(auth, "Signature") != want || r.Header.Get("X-Acs-Content-Sha256") != hexSHA(body):
			refuse(http.StatusBadRequest, "SignatureDoesNotMatch")
		case err != nil || abs(at.UnixMilli()-v.W.Clock.Now()) > 15*clock.Minute:
			refuse(http.StatusBadRequest, "InvalidTimeStamp.Expired")
		case r.Header.Get("X-Acs-Action") != "SendSms" || r.Header.Get("X-Acs-Version") != "2017-05-25":
			refuse(http.StatusNotFound, "InvalidAction.NotFound")
		case q.Get("SignName") != v.Sign:
			refuse(http.StatusOK, "isv.SMS_SIGNATURE_ILLEGAL")
		case !known || json.Unmarshal([]byte(q.Get("TemplateParam")), &params) != nil:
			refuse(http.StatusOK, "isv.SMS_TEMPLATE_ILLEGAL")
		case len(q.Get("PhoneNumbers")) != 11:
			refuse(http.StatusOK, "isv.MOBILE_NUMBER_ILLEGAL")
		case v.over(q.Get("PhoneNumbers")):
			refuse(http.StatusOK, "isv.BUSINESS_LIMIT_CONTROL")
		default:
			for k, value := range params {
				template = strings.ReplaceAll(template, "${"+k+"}", value)
			}
			v.arrive(q.Get("PhoneNumbers"), template)
			answer(w, http.StatusOK, map[string]string{"Code": "OK", "Message": "OK", "BizId": v.W.Word(20), "RequestId": v.W.Word(20)})
		}
	})
}

func abs(n int64) int64 { return max(n, -n) }

// Tencent answers SendSms of 2021-01-11.
func (v *Vendor) Tencent() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(code string) {
			answer(w, http.StatusOK, map[string]any{"Response": map[string]any{"RequestId": v.W.Word(20), "Error": map[string]string{"Code": code, "Message": code}}})
		}
		body, _ := io.ReadAll(r.Body)
		if code := v.checkTencent(r, body); code != "" {
			refuse(code)
			return
		}
		var in struct {
			Phones   []string `json:"PhoneNumberSet"`
			AppID    string   `json:"SmsSdkAppId"`
			Sign     string   `json:"SignName"`
			Template string   `json:"TemplateId"`
			Params   []string `json:"TemplateParamSet"`
		}
		template, known := "", false
		if json.Unmarshal(body, &in) == nil {
			template, known = v.Templates[in.Template]
		}
		switch {
		case in.AppID != v.AppID:
			refuse("UnauthorizedOperation.SmsSdkAppIdVerifyFail")
		case in.Sign != v.Sign:
			refuse("FailedOperation.SignatureIncorrectOrUnapproved")
		case !known:
			refuse("FailedOperation.TemplateIncorrectOrUnapproved")
		case len(in.Phones) == 0 || len(in.Phones) > 200:
			refuse("InvalidParameterValue.IncorrectPhoneNumber")
		default:
			status := []map[string]any{}
			for _, number := range in.Phones {
				code := "Ok"
				switch {
				case !strings.HasPrefix(number, "+86") || len(number) != 14:
					code = "InvalidParameterValue.IncorrectPhoneNumber"
				case v.over(number):
					code = "LimitExceeded.PhoneNumberThirtySecondLimit"
				default:
					v.arrive(number, fill(template, in.Params))
				}
				status = append(status, map[string]any{"SerialNo": v.W.Word(20), "PhoneNumber": number, "Fee": 1, "Code": code, "Message": code})
			}
			answer(w, http.StatusOK, map[string]any{"Response": map[string]any{"RequestId": v.W.Word(20), "SendStatusSet": status}})
		}
	})
}

func fill(template string, params []string) string {
	names := []string{}
	for rest := template; ; {
		_, after, ok := strings.Cut(rest, "${")
		if !ok {
			break
		}
		name, tail, _ := strings.Cut(after, "}")
		names, rest = append(names, name), tail
	}
	sort.Strings(names)
	for i, name := range names {
		if i < len(params) {
			template = strings.ReplaceAll(template, "${"+name+"}", params[i])
		}
	}
	return template
}

func (v *Vendor) checkTencent(r *http.Request, body []byte) string {
	auth := r.Header.Get("Authorization")
	credential := field(auth, "TC3-HMAC-SHA256 Credential")
	keyID, scope, _ := strings.Cut(credential, "/")
	stamp := r.Header.Get("X-Tc-Timestamp")
	var at int64
	for _, d := range stamp {
		if d < '0' || d > '9' || len(stamp) > 12 {
			return "AuthFailure.SignatureFailure"
		}
		at = at*10 + int64(d-'0')
	}
	day := time.Unix(at, 0).UTC().Format("2006-01-02")
	text := "TC3-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hexSHA([]byte(canonical(r, field(auth, "SignedHeaders"), body)))
	want := hex.EncodeToString(mac(mac(mac(mac([]byte("TC3"+v.Secret), day), "sms"), "tc3_request"), text))
	switch {
	case keyID != v.KeyID:
		return "AuthFailure.SecretIdNotFound"
	case scope != day+"/sms/tc3_request" || field(auth, "Signature") != want:
		return "AuthFailure.SignatureFailure"
	case abs(at*clock.Second-v.W.Clock.Now()) > 5*clock.Minute:
		return "AuthFailure.SignatureExpire"
	case r.Header.Get("X-Tc-Action") != "SendSms" || r.Header.Get("X-Tc-Version") != "2021-01-11":
		return "InvalidAction"
	}
	return ""
}
