package config

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

type kind int

const (
	null kind = iota
	scalar
	list
	dict
)

// node is a value, whatever parser it comes from. A scalar is the text in the
// file. The items of a dict have their keys, and those of a list their indexes.
type node struct {
	key          string
	kind         kind
	text         string
	plain        bool // a scalar without quotes
	items        []node
	line, column int // of the key, if it is in a dict
}

// maxNodes bounds how much aliases can expand a small file. A larger one may have as many
// values as bytes.
const maxNodes = 100_000

// parse returns the only document in data, which is YAML and so may be JSON. Documents
// after it must be empty.
func parse(data []byte) (node, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return node{}, invalid(node{}, "the configuration is empty")
	}
	if onlyComments(data) {
		return node{}, nil
	}
	var documents []yaml.Node
	if err := yaml.Load(data, &documents, yaml.WithAllDocuments()); err != nil {
		at, text := placed(unquoted(err.Error()))
		return node{}, invalid(at, "%s", text)
	}
	c := converter{most: max(maxNodes, len(data))}
	var found []node
	for i := range documents {
		n, err := c.convert(&documents[i])
		switch {
		case err != nil:
			return node{}, err
		case i > 0 && n.kind != null:
			return node{}, invalid(n, "a second document starts here: want only one, without --- in between")
		}
		found = append(found, n)
	}
	return found[0], nil
}

// ofYAML is how an error of the YAML library begins.
var ofYAML = regexp.MustCompile(`^go-yaml load error .*? at (?:L(\d+)\.C(\d+)(?:-(?:L\d+\.)?C\d+)?|<unknown position>): `)

// placed returns the position in an error of the YAML library, if there is one, and what it
// says.
func placed(text string) (node, string) {
	found := ofYAML.FindStringSubmatch(text)
	if found == nil {
		return node{}, text
	}
	line, _ := strconv.Atoi(found[1])
	column, _ := strconv.Atoi(found[2])
	return node{line: line, column: column}, "invalid YAML: " + text[len(found[0]):]
}

// onlyComments reports whether a file has no document, which the YAML library
// does not accept.
func onlyComments(data []byte) bool {
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// unquoted removes the name of an unknown anchor from an error of the YAML
// library: it may be an unquoted secret that begins with *.
func unquoted(text string) string {
	before, rest, ok := strings.Cut(text, "unknown anchor '")
	if end := strings.LastIndexByte(rest, '\''); ok && end >= 0 {
		return before + "unknown anchor" + rest[end+1:] + ": put a value that starts with * in quotes"
	}
	return text
}

func fromYAML(n *yaml.Node) (node, error) {
	c := converter{most: maxNodes}
	return c.convert(n)
}

type converter struct {
	most, converted int
	litestream      bool // the document is a litestream.yml
}

func (c *converter) convert(n *yaml.Node) (node, error) {
	out := node{line: n.Line, column: n.Column}
	if c.converted++; c.converted > c.most {
		return out, invalid(out, "the configuration has more than %d values, or an alias that contains itself", c.most)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 1 {
			c.litestream = hasDBs(n.Content[0])
			return c.convert(n.Content[0])
		}
	case yaml.AliasNode:
		return c.convert(n.Alias)
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!null":
		case "!!binary":
			return out, invalid(out, "want a plain value, and not !!binary")
		default:
			out.kind, out.text, out.plain = scalar, n.Value, n.Style == 0
		}
	case yaml.SequenceNode:
		out.kind = list
		for i, item := range n.Content {
			converted, err := c.convert(item)
			if err != nil {
				return out, err
			}
			out.items = append(out.items, converted.named(strconv.Itoa(i), item.Line, item.Column))
		}
	case yaml.MappingNode:
		return c.mapping(n, out)
	}
	return out, nil
}

// mapping converts a mapping, and merges the mappings of "<<" into it. Keys of the
// mapping itself take precedence. Litestream's YAML library prefers a "<<" to the keys
// before it, and combines two maps of one key: there, such a key is an error.
func (c *converter) mapping(n *yaml.Node, out node) (node, error) {
	out.kind = dict
	before := 0 // how many keys are before "<<"
	own := make(map[string]bool)
	var merged []node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := node{line: key.Line, column: key.Column}
		isMerge := key.ShortTag() == "!!merge"
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			return out, invalid(at, "want a name before the colon")
		case own[key.Value]:
			return out, invalid(at, "%s is set twice", key.Value)
		}
		own[key.Value] = true
		converted, err := c.convert(value)
		if err != nil {
			return out, err
		}
		converted = converted.named(key.Value, at.line, at.column)
		if !isMerge {
			out.items = append(out.items, converted)
			continue
		}
		before = len(out.items)
		if merged, err = mapsOf(converted); err != nil {
			return out, err
		}
	}
	for _, from := range merged {
		for _, e := range from.items {
			switch i := out.index(e.key); {
			case i < 0:
				out.items = append(out.items, e)
			case c.litestream && (i < before || out.items[i].kind == dict && e.kind == dict):
				return out, invalid(out.items[i], "%s is also in <<, which Litestream prefers to it or combines with it: want it once", e.key)
			}
		}
	}
	return out, nil
}

// mapsOf returns the maps to merge, which take precedence in this order.
func mapsOf(merge node) ([]node, error) {
	maps := []node{merge}
	if merge.kind == list {
		maps = merge.items
	}
	for _, from := range maps {
		if from.kind != dict {
			return nil, invalid(from, "want a map to merge")
		}
	}
	return maps, nil
}

// hasDBs reports whether a document is a litestream.yml.
func hasDBs(root *yaml.Node) bool {
	for i := 0; root.Kind == yaml.MappingNode && i < len(root.Content); i += 2 {
		if root.Content[i].Value == "dbs" {
			return true
		}
	}
	return false
}

// named returns the node with its key, which is at a place of its own.
func (n node) named(key string, line, column int) node {
	n.key, n.line, n.column = key, line, column
	return n
}

// index returns the index of the item with a key, or -1.
func (n node) index(key string) int {
	return slices.IndexFunc(n.items, func(e node) bool { return e.key == key })
}

func (n node) get(key string) (e node, ok bool) {
	if i := n.index(key); i >= 0 {
		return n.items[i], true
	}
	return node{}, false
}

// flatten returns the scalars in a node, with dotted keys.
func (n node) flatten() (flat []node) {
	if n.kind == scalar {
		return []node{n}
	}
	for _, below := range n.items {
		below.key = n.key + "." + below.key
		flat = append(flat, below.flatten()...)
	}
	return flat
}

// where returns "line 3, column 5", or the empty string.
func (n node) where() string {
	if n.line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d, column %d", n.line, n.column)
}
