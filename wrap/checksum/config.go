package checksum

// Config says what is checked beside bodies on their way. The zero value is the
// default.
type Config struct {
	// ReadBack has WriteLTXFile read what is stored, and compare it with what was
	// written: a request more, and the file's bytes once more over the wire.
	ReadBack bool `ltx:"read-back" default:"false" help:"Read what is stored after each write, and compare it."`

	// OtherBodies lets bodies and files pass that do not begin as LTX files:
	// nothing can be told of them. They are refused else, because no daemon writes
	// such, and a wrapper that does (compress, crypt) belongs inside this one.
	OtherBodies bool `ltx:"other-bodies" default:"false" help:"Let files pass that are no LTX files."`
}
