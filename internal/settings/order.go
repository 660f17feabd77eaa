package settings

// Stacked is a wrapper of this library.
type Stacked struct {
	Name    string
	Aliases []string
}

// Order returns the wrappers of this library as they are stacked, the first of
// which is the outermost. wrap.Chain tells why.
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
