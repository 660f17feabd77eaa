package httpfault

import (
	"cmp"
	"net/http"
	"regexp"
)

// Match selects the requests of a rule: those that match all fields that are
// set.
type Match struct {
	// Operation is the operation of the request according to the layer's Name.
	Operation string

	// Method is the method of the request.
	Method string

	// Path matches the request's path, escaped as it was sent.
	Path *regexp.Regexp

	// Query is a key that the query has, with or without a value: "uploads".
	Query string

	// Header is a header that the request has.
	Header string

	// Func is called for anything else. The layer's lock is held.
	Func func(*http.Request) bool
}

// Rule is one line of a script.
type Rule struct {
	Match

	// Skip is the number of matching requests before the rule applies.
	Skip int

	// Times is how often the rule applies: 0 means once, and a negative number
	// always.
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
