package settings

// Stacked is a wrapper of this library, by its name and aliases.
type Stacked struct {
	Name    string
	Aliases []string
}

// Order returns the wrappers of this library in the order in which they are
// stacked, the outermost first. The documentation of wrap.Chain gives the
// reasons.
func Order() []Stacked {
	return []Stacked{
		{Name: "readonly"},
		{Name: "trace"},
		{Name: "checksum"},
		{Name: "compress"},
		{Name: "crypt", Aliases: []string{"age"}}, // Litestream's name
		{Name: "cache"},
		{Name: "mirror"},
		{Name: "metrics"},
		{Name: "retry"},
		{Name: "throttle"},
	}
}
