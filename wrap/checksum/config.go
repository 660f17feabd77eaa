package checksum

// Config is the configuration of a Client. The zero value is valid.
type Config struct {
	// ReadBack makes WriteLTXFile read the stored file and compare it with the body. It costs a
	// request and the transfer of the file.
	ReadBack bool `ltx:"read-back" default:"false" help:"Read each stored file after writing it, and compare it with the body."`

	// OtherBodies allows bodies and files that do not begin as LTX files do, and passes them on
	// unchecked. A daemon writes only LTX files, and wrappers that store others (compress, crypt)
	// belong inside this one.
	OtherBodies bool `ltx:"other-bodies" default:"false" help:"Allow files that are not LTX files."`
}
