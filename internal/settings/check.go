package settings

import (
	"fmt"
	"reflect"
	"slices"
)

// Check compares the table with the Config that it is for, for a test: every
// exported field has one row, or is CodeOnly; every row has a name, a help and
// a default of its own. It returns what is wrong.
func (t Table[C]) Check() (wrong []string) {
	var cfg C
	fields := make(map[uintptr]string)
	rows := make(map[string]string)
	addFields(fields, reflect.ValueOf(&cfg).Elem(), "")
	for addr, name := range fields {
		if slices.Contains(t.CodeOnly, name) {
			rows[name] = "code"
			delete(fields, addr)
		}
	}
	for _, name := range t.CodeOnly {
		if rows[name] == "" {
			wrong = append(wrong, fmt.Sprintf("CodeOnly names %s, which is no field", name))
		}
	}
	seen := make(map[string]string)
	for i := range t.Rows {
		row := &t.Rows[i]
		if row.Default == "" || row.Help == "" || row.To.set == nil {
			wrong = append(wrong, row.Name+" has no default, no help or no field")
		}
		for _, name := range row.names() {
			if seen[name] != "" {
				wrong = append(wrong, fmt.Sprintf("%s is a name of %s and of %s", name, seen[name], row.Name))
			}
			seen[name] = row.Name
		}
		if row.To.at == nil {
			continue
		}
		addr := reflect.ValueOf(row.To.at(&cfg)).Pointer()
		if fields[addr] == "" {
			wrong = append(wrong, row.Name+" sets what is no field, is CodeOnly, or has another row")
		}
		delete(fields, addr)
	}
	for _, name := range fields {
		wrong = append(wrong, fmt.Sprintf("field %s has no row and is not CodeOnly", name))
	}
	slices.Sort(wrong)
	return wrong
}

// addFields notes where the fields of a struct are, those of a struct in it as
// "Retry.MaxAttempts".
func addFields(fields map[uintptr]string, v reflect.Value, prefix string) {
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		name := prefix + v.Type().Field(i).Name
		if v.Field(i).Kind() == reflect.Struct && v.Field(i).NumField() > 0 {
			addFields(fields, v.Field(i), name+".")
			continue
		}
		fields[v.Field(i).Addr().Pointer()] = name
	}
}
