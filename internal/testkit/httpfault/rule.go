package httpfault

import (
	"cmp"
	"net/http"
	"regexp"
)

// Match says which requests a rule is about: those that meet every field that
// is set.
type Match struct {
	// Operation is what the layer's Name calls the request.
	Operation string

	// Method is the request's.
	Method string

	// Path matches the request's path, escaped as it was sent.
	Path *regexp.Regexp

	// Query is a key that the query has, with or without a value: "uploads".
	Query string

	// Header is a header that the request has.
	Header string

	// Func decides about anything else. It runs under the layer's lock.
	Func func(*http.Request) bool
}

// Rule is one line of a script.
type Rule struct {
	Match

	// Skip is how many matching requests pass before the rule fires.
	Skip int

	// Times is how often it fires; 0 means once, a negative number for ever.
	Times int

	// Do is what happens.
	Do Effect

	seen int // matching requests so far
}

func (m *Match) matches(operation string, r *http.Request) bool {
	switch {
	case m.Operation != "" && m.Operation != operation,
		m.Method != "" && m.Method != r.Method,
		m.Path != nil && !m.Path.MatchString(r.URL.EscapedPath()),
		m.Query != "" && !r.URL.Query().Has(m.Query),
		m.Header != "" && r.Header.Get(m.Header) == "",
		m.Func != nil && !m.Func(r):
		return false
	}
	return true
}

func (rule *Rule) fires(operation string, r *http.Request) bool {
	if !rule.matches(operation, r) {
		return false
	}
	rule.seen++
	return rule.seen > rule.Skip && (rule.Times < 0 || rule.seen <= rule.Skip+cmp.Or(rule.Times, 1))
}
