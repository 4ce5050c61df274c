// Package fault holds the errors a caller may see: each has a stable code, a class that
// decides the HTTP status, and one sentence in Chinese and English.
//
// An error that is not a *fault.Error is internal: its text is for operators only.
package fault

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
)

// Class says what kind of failure it is; the doors map it to a status.
type Class int

// The classes, from the caller's mistakes to our own.
const (
	Invalid   Class = iota + 1 // 422: the input is wrong
	Denied                     // 403: known caller, not allowed
	NoLogin                    // 401: caller not known
	NotFound                   // 404
	Conflict                   // 409: right input, wrong state
	TooMany                    // 429: limits and full queues; retry later
	TooLarge                   // 413
	Unknown                    // 503: the outcome is unknown, retry with the same key
	Down                       // 507: storage can't take it now, nothing changed
	Internal                   // 500
	Malformed                  // 400: the request can't be read
)

// Kind is a declared failure; use With or New to raise it.
type Kind struct {
	Code  string
	Class Class
	Zh    string // sentence with {name} holes
	En    string
}

var (
	mu    sync.Mutex
	kinds = map[string]*Kind{}
)

// Define declares a failure once, as a package variable. A code defined twice is a programming error.
func Define(code string, class Class, zh, en string) *Kind {
	mu.Lock()
	defer mu.Unlock()
	if kinds[code] != nil {
		panic("fault: code defined twice: " + code)
	}
	k := &Kind{Code: code, Class: class, Zh: zh, En: en}
	kinds[code] = k
	return k
}

// All lists every declared failure by code, for the API reference.
func All() []*Kind {
	mu.Lock()
	defer mu.Unlock()
	out := make([]*Kind, 0, len(kinds))
	for _, k := range kinds {
		out = append(out, k)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Code < out[j].Code })
	return out
}

// Error is one raised failure.
type Error struct {
	Kind   *Kind
	Field  string         // the input field it is about, as a dotted path; may be empty
	Params map[string]any // fills the holes; never personal data
	Fields []FieldError   // when several fields are wrong at once
	cause  error
}

// FieldError is one wrong field among several.
type FieldError struct {
	Field string `json:"field"`
	Code  string `json:"code"`
	Zh    string `json:"-"`
	En    string `json:"-"`
}

// New raises the failure without parameters.
func (k *Kind) New() *Error { return &Error{Kind: k} }

// With raises the failure with parameters: name, value, name, value …
func (k *Kind) With(pairs ...any) *Error {
	e := &Error{Kind: k, Params: make(map[string]any, len(pairs)/2)}
	for i := 0; i+1 < len(pairs); i += 2 {
		e.Params[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return e
}

// At names the field the failure is about.
func (e *Error) At(field string) *Error { e.Field = field; return e }

// Because keeps the inner error for operators.
func (e *Error) Because(err error) *Error { e.cause = err; return e }

// Unwrap gives the inner error.
func (e *Error) Unwrap() error { return e.cause }

// Error is for logs: code, field and English sentence.
func (e *Error) Error() string {
	s := e.Kind.Code + ": " + e.Text("en")
	if e.Field != "" {
		s += " (" + e.Field + ")"
	}
	return s
}

// Text fills the sentence in the asked language ("zh" or "en").
func (e *Error) Text(lang string) string {
	s := e.Kind.Zh
	if lang == "en" {
		s = e.Kind.En
	}
	for k, v := range e.Params {
		s = strings.ReplaceAll(s, "{"+k+"}", fmt.Sprint(v))
	}
	return s
}

// Is lets errors.Is compare by kind: errors.Is(err, points.ErrInsufficient).
func (e *Error) Is(target error) bool {
	var t *Error
	if errors.As(target, &t) {
		return t.Kind == e.Kind
	}
	return false
}

// Is reports whether err is a raised k.
func Is(err error, k *Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}

// As gives the raised failure inside err, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// CodeOf gives the stable code of err, "internal" when it has none.
func CodeOf(err error) string {
	if e := As(err); e != nil {
		return e.Kind.Code
	}
	return "internal"
}
