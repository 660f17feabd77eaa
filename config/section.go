package config

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Section is the replica section in a daemon's own configuration: a field of
// the daemon's struct that the daemon's parser fills in. It holds one replica
// or a list of replicas, unparsed; ParseConfig parses it.
//
//	type Config struct {
//		Addr    string         `yaml:"addr"`
//		Replica config.Section `yaml:"replica"`
//	}
//
// It works with encoding/json and with every YAML library that calls the
// method UnmarshalYAML(func(any) error): go.yaml.in/yaml (2, 3 and 4),
// gopkg.in/yaml and github.com/goccy/go-yaml. These do not provide line
// numbers, so errors only name the setting. A daemon that parses its file
// into nodes of go.yaml.in/yaml/v4 can call ParseNode instead and get lines
// and columns. A Section may contain secrets.
type Section struct{ root func() node } // fmt looks into no function

// ParseConfig returns the replicas of the section: none if it was not in the
// file. Every error is fs.ErrInvalid. It sends no request.
func (s Section) ParseConfig(opts Options) ([]Replica, error) {
	if s.root == nil || s.root().kind == null {
		return nil, nil
	}
	return opts.withDefaults().replicas(s.root(), nil)
}

// ParseNode is ParseReplicas for a node of a YAML document.
func ParseNode(n *yaml.Node, opts Options) ([]Replica, error) {
	root, err := fromYAML(n)
	if err != nil {
		return nil, err
	}
	return Section{func() node { return root }}.ParseConfig(opts)
}

// UnmarshalYAML fills the section.
func (s *Section) UnmarshalYAML(unmarshal func(any) error) error {
	var v value
	err := v.UnmarshalYAML(unmarshal)
	s.root = func() node { return v.node }
	return err
}

// UnmarshalJSON fills the section.
func (s *Section) UnmarshalJSON(data []byte) error {
	root, err := parse(data)
	root = root.unplaced()
	s.root = func() node { return root }
	return err
}

// String hides the section, which may contain secrets.
func (s Section) String() string { return "[redacted]" }

// GoString is String.
func (s Section) GoString() string { return s.String() }

// Format is String for every verb.
func (s Section) Format(f fmt.State, _ rune) { scrub.Format(f, s.String()) }

// MarshalText is String: a daemon that writes its configuration somewhere
// does not write secrets.
func (s Section) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String.
func (s Section) LogValue() slog.Value { return slog.StringValue(s.String()) }

// value receives a value of any kind from a parser. It asks for a text first,
// so that a number keeps its spelling in the file.
type value struct{ node node }

// UnmarshalYAML implements the interface that all YAML libraries support.
func (v *value) UnmarshalYAML(unmarshal func(any) error) error {
	var text *string
	if err := unmarshal(&text); err == nil {
		if text != nil {
			v.node = node{kind: scalar, text: *text}
		}
		return nil
	}
	var items []*value
	if err := unmarshal(&items); err == nil {
		v.node = node{kind: list}
		for _, item := range items {
			v.node.items = append(v.node.items, item.get())
		}
		return nil
	}
	var entries map[string]*value
	if err := unmarshal(&entries); err != nil {
		return err
	}
	v.node = node{kind: dict}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		v.node.entries = append(v.node.entries, entry{key: key, value: entries[key].get()})
	}
	return nil
}

// get returns the node. The value of a null is nil.
func (v *value) get() node {
	if v == nil {
		return node{}
	}
	return v.node
}

// unplaced returns the node without positions, which were relative to a part
// of the file.
func (n node) unplaced() node {
	n.line, n.column = 0, 0
	n.items, n.entries = slices.Clone(n.items), slices.Clone(n.entries)
	for i, item := range n.items {
		n.items[i] = item.unplaced()
	}
	for i, e := range n.entries {
		n.entries[i] = entry{key: e.key, value: e.value.unplaced()}
	}
	return n
}
