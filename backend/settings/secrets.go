package settings

import "reflect"

// Secrets returns the texts and the bytes of a Config that its tags declare
// secret, for the scrub.Secrets of a client.
func Secrets(cfg any) (found []string) {
	v := reflect.ValueOf(cfg)
	for _, r := range tableOf(v.Type()).rows {
		if field := v.FieldByIndex(r.index); r.secret && field.CanConvert(reflect.TypeFor[string]()) {
			found = append(found, field.Convert(reflect.TypeFor[string]()).String())
		}
	}
	return found
}
