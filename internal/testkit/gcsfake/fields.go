package gcsfake

import (
	"net/http"
	"strings"
)

// selection is a parsed "fields" parameter: the selected fields of a document,
// each with the selection of its own fields. nil means all.
type selection map[string]selection

// parseFields parses "nextPageToken,items(name,metadata/key)".
func parseFields(text string) (selection, error) {
	if text == "" {
		return nil, nil
	}
	fields, rest, ok := parseList(text)
	if !ok || rest != "" {
		return nil, fail(http.StatusBadRequest, "invalidParameter", "Invalid field selection "+text)
	}
	return fields, nil
}

// parseList parses fields up to a closing parenthesis or the end.
func parseList(text string) (fields selection, rest string, ok bool) {
	fields = make(selection)
	for {
		end := strings.IndexAny(text, ",()/")
		name := text
		if end >= 0 {
			name = text[:end]
		}
		text = text[len(name):]
		if name == "" {
			return nil, "", false
		}
		var inner selection
		if path, found := strings.CutPrefix(text, "/"); found {
			end := strings.IndexAny(path+",", ",)")
			if inner, rest, ok = parseList(path[:end]); !ok || rest != "" {
				return nil, "", false
			}
			text = path[end:]
		} else if list, found := strings.CutPrefix(text, "("); found {
			if inner, text, ok = parseList(list); !ok || !strings.HasPrefix(text, ")") {
				return nil, "", false
			}
			text = text[1:]
		}
		fields[name] = inner
		more, found := strings.CutPrefix(text, ",")
		if !found {
			return fields, text, true
		}
		text = more
	}
}

// of returns the selected parts of a JSON value.
func (f selection) of(value any) any {
	if inner, ok := f["*"]; ok {
		f = inner
	}
	if f == nil {
		return value
	}
	switch v := value.(type) {
	case []map[string]any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = f.of(v[i])
		}
		return list
	case map[string]any:
		some := make(map[string]any)
		for name, inner := range f {
			if field, ok := v[name]; ok {
				some[name] = inner.of(field)
			}
		}
		return some
	}
	return value
}
