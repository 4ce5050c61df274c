package web_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"guanxi/internal/base/fault"
)

func TestTheDescriptionIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	first := newShop(t).srv.OpenAPI()
	for range 3 {
		if !bytes.Equal(first, newShop(t).srv.OpenAPI()) {
			t.Fatal("two servers with the same routes describe themselves differently")
		}
	}
	s := newShop(t)
	if w := s.ask("GET", "/docs/api/openapi.yaml", nil, ""); !bytes.Equal(w.Body.Bytes(), first) {
		t.Error("another text is served")
	}
}

type described struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		ID         string `json:"operationId"`
		Zh         string `json:"x-zh"`
		Perm       string `json:"x-perm"`
		Problems   []string
		Security   []map[string][]string
		Parameters []struct {
			Name, In string
			Required bool
			Schema   struct{ Type string }
		}
		Responses map[string]struct{ Description string }
	}
	Components struct {
		Schemas map[string]struct {
			Properties map[string]struct{ Type any }
		}
		SecuritySchemes map[string]struct{ Type, Scheme, In, Name string }
	}
	Problems []struct{ Code, Zh, En string } `json:"x-problems"`
}

func TestTheDescriptionSaysWhatRoutesDo(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	raw := s.ask("GET", "/docs/api/openapi.json", nil, "").Body.Bytes()
	var api described
	if err := json.Unmarshal(raw, &api); err != nil {
		t.Fatal(err)
	}
	if api.OpenAPI != "3.1.0" || bytes.Contains(raw, []byte("$schema")) {
		t.Error("version or $schema", api.OpenAPI)
	}
	add := api.Paths["/api/partner/sales"]["post"]
	if add.ID != "sale.add" || add.Zh != "上报一笔销售" || add.Perm != "sale.write" || len(add.Security) != 1 || add.Security[0]["partner"] == nil {
		t.Errorf("%+v", add)
	}
	if p := add.Parameters[0]; p.Name != "Idempotency-Key" || !p.Required {
		t.Errorf("%+v", p)
	}
	if got := add.Responses["409"].Description; got != "idempotency.mismatch, sale.sold" {
		t.Error(got)
	}
	if got := add.Responses["422"].Description; got != "input.invalid" {
		t.Error(got)
	}
	if p := api.Paths["/api/partner/sales/{id}"]["get"].Parameters[0]; p.Schema.Type != "string" {
		t.Errorf("an id is shown as %+v", p)
	}
	if login := api.Paths["/api/site/login"]["post"]; login.Security != nil || login.Responses["429"].Description != "rate.limited" {
		t.Errorf("%+v", login)
	}
	if got := api.Components.Schemas["PageWebTestSaleReply"].Properties["data"].Type; got != "array" {
		t.Error("a list may be null", got)
	}
	if got := api.Components.SecuritySchemes; got["partner"].Scheme != "GX1-HMAC-SHA256" || got["site"].Name != "__Host-gx" {
		t.Errorf("%+v", got)
	}
	if len(api.Problems) != len(fault.All()) || !slices.IsSortedFunc(api.Problems, func(a, b struct{ Code, Zh, En string }) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("the list of codes is not whole")
	}
}

func TestThePageLivesUnderItsPolicy(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	page := s.ask("GET", "/docs/api", nil, "")
	if page.Code != 200 || !strings.Contains(page.Header().Get("Content-Security-Policy"), "script-src 'self';") {
		t.Fatal(page.Code, page.Header())
	}
	if inline := regexp.MustCompile(`(?i)<style|style=|\son\w+=|<script>|javascript:|https?://`).FindString(page.Body.String()); inline != "" {
		t.Errorf("%q can't work under the policy", inline)
	}
	parts := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1)
	if len(parts) < 2 {
		t.Fatal(parts)
	}
	for _, part := range parts {
		w := s.ask("GET", part[1], nil, "")
		if w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("%s: %d", part[1], w.Code)
		}
		if sink := regexp.MustCompile(`innerHTML|outerHTML|document\.write|eval\(|new Function|https?://`).FindString(w.Body.String()); strings.HasSuffix(part[1], ".js") && sink != "" {
			t.Errorf("%s uses %s", part[1], sink)
		}
	}
}
