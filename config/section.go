package config

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Section is the replica section in a daemon's own configuration: a field of the daemon's
// struct that the daemon's parser sets. It contains one replica or a list of replicas, which
// ParseConfig parses.
//
//	type Config struct {
//		Addr    string         `yaml:"addr"`
//		Replica config.Section `yaml:"replica"`
//	}
//
// It works with go.yaml.in/yaml/v4, where errors have the lines and columns of the daemon's
// file, and with encoding/json, where they do not. Other libraries do not accept the field; a
// daemon that uses one must read the section with ParseReplicas. A Section may contain
// secrets.
type Section func() node // a function, so that fmt does not print it

// ParseConfig returns the replicas of the section. There are none if the section was not in
// the file. Every error is fs.ErrInvalid. ParseConfig sends no request.
func (s Section) ParseConfig(opts Options) ([]Replica, error) {
	if s == nil || s().kind == null {
		return nil, nil
	}
	r := opts.reader()
	return r.only(r.replicas(s(), nil))
}

// UnmarshalYAML fills the section.
func (s *Section) UnmarshalYAML(n *yaml.Node) error {
	root, err := fromYAML(n)
	*s = func() node { return root }
	return err
}

// UnmarshalJSON fills the section.
func (s *Section) UnmarshalJSON(data []byte) error {
	root, err := parse(data)
	root = root.unplaced()
	*s = func() node { return root }
	return err
}

// String hides the section, which may contain secrets.
func (s Section) String() string { return "[redacted]" }

// Format is String for every verb.
func (s Section) Format(f fmt.State, _ rune) { scrub.Format(f, s.String()) }

// MarshalText is String: a daemon that writes its configuration somewhere
// does not write secrets.
func (s Section) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// unplaced returns the node without positions, which were relative to a part
// of the file.
func (n node) unplaced() node {
	n.line, n.column = 0, 0
	n.items = slices.Clone(n.items)
	for i, item := range n.items {
		n.items[i] = item.unplaced()
	}
	return n
}
