package entry

import "guanxi/internal/base/fault"

// What went wrong beside the refusals, which have words of their own.
const (
	HookApp     = "hook.app"     // a push for an account that is not connected
	HookRefused = "hook.refused" // a push that was not the platform's

	TroubleToken    = "channel.token"
	TroubleSetup    = "channel.setup"
	TroubleQuota    = "channel.quota"
	TroubleTemplate = "channel.template"
)

var incidentWords = map[string][2]string{
	HookApp:         {"推送指向未接入的账号", "A push for an account that is not connected"},
	HookRefused:     {"推送验证失败，已拒绝", "A push was refused: it is not the platform's"},
	TroubleToken:    {"访问令牌不被接受", "The access token is refused"},
	TroubleSetup:    {"凭证、权限或 IP 白名单有误", "Credentials, permissions or the IP list are wrong"},
	TroubleQuota:    {"调用额度已用完，消息等待恢复", "The quota is used up; messages wait"},
	TroubleTemplate: {"消息模板不可用，或字段不符", "A template is not usable, or its fields differ"},
	"entry.state":   {"登录回跳与发起者不符", "The way back of a login does not belong to its browser"},
}

// IncidentWords says what kind of incident one is.
func IncidentWords(kind, lang string) string {
	w, ok := incidentWords[kind]
	if !ok {
		for _, k := range fault.All() {
			if k.Code == kind {
				w = [2]string{k.Zh, k.En}
			}
		}
	}
	if w[0] == "" {
		return kind
	}
	if lang == "en" {
		return w[1]
	}
	return w[0]
}
