package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

// config sets huma up: no $schema in bodies, no pages from elsewhere, our names, our JSON.
func (s *Server) config() huma.Config {
	c := huma.DefaultConfig(s.opt.Title, s.opt.Version)
	c.CreateHooks = nil
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.Formats = map[string]huma.Format{jsonMedia: jsonFormat, "json": jsonFormat}
	c.RejectUnknownQueryParameters = true
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{}
	c.OnAddOperation = append(c.OnAddOperation, splitIDParams)
	return c
}

// schemaName names a type in the reference by its package and name, because many features have a Reply.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" {
		return title(hint)
	}
	if !strings.Contains(name, "[") {
		return packaged(t.PkgPath()+"."+name, name)
	}
	var b strings.Builder
	for i, part := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("[]*,", r) }) {
		if i == 0 {
			part = t.PkgPath() + "." + part
		}
		b.WriteString(packaged(part, part))
	}
	return b.String()
}

// packaged makes "CouponReply" of "guanxi/internal/loyalty/coupon.Reply".
func packaged(full, bare string) string {
	dot := strings.LastIndexByte(full, '.')
	if dot < 0 {
		return title(bare)
	}
	pkg, name := full[strings.LastIndexByte(full[:dot], '/')+1:dot], full[dot+1:]
	if pkg == "web" || strings.HasPrefix(strings.ToLower(name), strings.ToLower(pkg)) {
		return title(name)
	}
	return title(pkg) + title(name)
}

// title joins the words of a name: "order.pay" gives "OrderPay".
func title(name string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func (s *Server) describeDoor(d *Door) {
	scheme := &huma.SecurityScheme{Type: "http", Scheme: d.Scheme, Description: d.Zh + "|" + d.En}
	if d.Cookie {
		scheme = &huma.SecurityScheme{Type: "apiKey", In: "cookie", Name: secureCookie, Description: d.Zh + "|" + d.En}
	}
	oapi := s.api.OpenAPI()
	if d.Authenticate != nil {
		oapi.Components.SecuritySchemes[d.Name] = scheme
	}
	if oapi.Extensions == nil {
		oapi.Extensions = map[string]any{}
	}
	doors, _ := oapi.Extensions["x-doors"].([]map[string]string)
	oapi.Extensions["x-doors"] = append(doors, map[string]string{"name": d.Name, "prefix": d.Prefix, "zh": d.Zh, "en": d.En, "scheme": d.Scheme})
}

// describe makes huma's operation of a route with this type of input.
func (rt *route) describe(s *Server, in reflect.Type) huma.Operation {
	registry := s.api.OpenAPI().Components.Schemas
	op := huma.Operation{
		OperationID: rt.ID, Method: rt.Method, Path: rt.door.Prefix + rt.Path, Tags: rt.Tags, Summary: rt.En,
		DefaultStatus: rt.status, MaxBodyBytes: -1, BodyReadTimeout: -1, // readBody has seen to both
		Metadata:   map[string]any{routeKey: rt},
		Extensions: map[string]any{"x-zh": rt.Zh, "x-door": rt.Op.Door, "x-perm": rt.Perm},
		Responses:  map[string]*huma.Response{},
	}
	if !rt.Public {
		op.Security = []map[string][]string{{rt.Op.Door: {}}}
	}
	if body, ok := in.FieldByName("Body"); ok {
		schema := huma.SchemaFromField(registry, body, rt.ID+".body")
		op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{jsonMedia: {Schema: schema}}}
	}
	if rt.Write {
		op.Parameters = append(op.Parameters, keyParameter())
		op.Responses[strconv.Itoa(rt.status)] = &huma.Response{Description: http.StatusText(rt.status), Headers: map[string]*huma.Param{
			replayedHeader: {Description: "true：此前已生效，这是当时的回复|true: it had taken effect before, this is the reply of then", Schema: &huma.Schema{Type: huma.TypeBoolean}},
		}}
	}
	_, hasRaw := in.FieldByName("RawBody")
	rt.describeProblems(&op, registry, op.RequestBody != nil || hasRaw)
	return op
}

func keyParameter() *huma.Param {
	longest, shortest := maxKey, 1
	return &huma.Param{Name: keyHeader, In: "header", Required: true,
		Description: "幂等键：重试时用同一个|the key of this request: the same one when it is sent again",
		Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest}}
}

// describeProblems lists every code the route may answer with, by status.
func (rt *route) describeProblems(op *huma.Operation, registry huma.Registry, body bool) {
	problem := registry.Schema(reflect.TypeFor[Problem](), true, "")
	byStatus := map[int][]string{}
	var codes []string
	for _, k := range rt.problems(body) {
		if !slices.Contains(codes, k.Code) {
			codes = append(codes, k.Code)
			byStatus[Status(k)] = append(byStatus[Status(k)], k.Code)
		}
	}
	for status, list := range byStatus {
		slices.Sort(list)
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: strings.Join(list, ", "),
			Content: map[string]*huma.MediaType{problemType: {Schema: problem}}}
	}
	slices.Sort(codes)
	op.Extensions["x-problems"] = codes
}

// problems are the route's own failures and those of the wrapper around it.
func (rt *route) problems(body bool) []*fault.Kind {
	list := append([]*fault.Kind{ErrInput, ErrInternal}, rt.Errors...)
	if body {
		list = append(list, ErrMalformed, ErrMedia, ErrTooLarge)
	}
	if !rt.Public {
		list = append(list, ErrNoLogin, ErrDenied)
	}
	if rt.Fresh {
		list = append(list, ErrStale)
	}
	if rt.door.Cookie && rt.Method != http.MethodGet && rt.Method != http.MethodHead {
		list = append(list, ErrOrigin)
	}
	if rt.Limit != nil {
		list = append(list, ErrLimited)
	}
	if rt.Write {
		list = append(list, ErrKeyMissing, ErrKeyMismatch, db.ErrUnknown, db.ErrBusy, db.ErrClosed, db.ErrFull, db.ErrStorage)
	}
	return list
}

// specification is the description of the API in both notations.
type specification struct{ json, yaml []byte }

// OpenAPI is the OpenAPI 3.1 description as YAML, the same bytes for the same routes. Ask once all is wired.
func (s *Server) OpenAPI() []byte { return s.spec().yaml }

func (s *Server) specify() (out specification) {
	oapi := s.api.OpenAPI()
	if oapi.Extensions == nil {
		oapi.Extensions = map[string]any{}
	}
	type problem struct {
		Code   string `json:"code"`
		Status int    `json:"status"`
		Zh     string `json:"zh"`
		En     string `json:"en"`
	}
	var problems []problem
	for _, k := range fault.All() {
		problems = append(problems, problem{k.Code, Status(k), k.Zh, k.En})
	}
	oapi.Extensions["x-problems"] = problems
	var err error
	if out.json, err = json.Marshal(oapi); err != nil {
		panic(fmt.Errorf("web: describing the API: %w", err))
	}
	if out.yaml, err = oapi.YAML(); err != nil {
		panic(fmt.Errorf("web: describing the API: %w", err))
	}
	return out
}
