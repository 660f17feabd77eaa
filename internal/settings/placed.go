package settings

// Placed is an error about a setting in a file.
type Placed struct {
	Line, Column int // of the setting, or 0 if they are not known
	Err          error
}

// Error returns the message of Err, which names the place if that is to be shown.
func (p *Placed) Error() string { return p.Err.Error() }

// Unwrap returns Err.
func (p *Placed) Unwrap() error { return p.Err }
