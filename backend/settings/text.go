package settings

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Text returns a Config as text: the name of its type, the layout, and the
// settings that are not zero, by the names of their fields, without secrets and
// without URLs that may hold one. A Config with secrets has methods Format and
// MarshalText that write it.
func Text(cfg any) string {
	v := reflect.ValueOf(cfg)
	var fields []string
	for _, r := range tableOf(v.Type()).rows {
		field := v.FieldByIndex(r.index)
		if isEmpty(field) && r.kind != kindLayout {
			continue
		}
		if field.Kind() == reflect.Pointer {
			field = field.Elem()
		}
		text := fmt.Sprint(field.Interface())
		switch {
		case r.secret:
			text = scrub.Redacted(field.Len())
		case field.Kind() != reflect.String:
		case !r.path && (strings.ContainsAny(text, "@?") || settings.HasUser(text)):
			text = scrub.Redacted(len(text))
		default:
			text = fmt.Sprintf("%q", text)
		}
		fields = append(fields, r.field+":"+scrub.Text(text))
	}
	return v.Type().String() + "{" + strings.Join(fields, " ") + "}"
}
