package mock

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
)

// Config configures a client. The zero value is valid.
type Config struct {
	// Store is where the files are. Several clients may share one, with the
	// same Path or different ones. nil means a new store for this client.
	Store *Store `ltx:"-"`

	// Layout and Path say how the files' keys are built; see backend.NewKeys.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' looks at what the replica holds: nothing."`
	Path   string          `ltx:"path,path" default:"the store's root" help:"The replica's path in the store."`

	// WriteOnce refuses to replace a file by another content (clause W6).
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file by other content."`

	// PageSize is how many objects a page of a listing holds: 0 means 1000.
	PageSize int `ltx:"page-size" default:"1000" help:"Objects of a page of a listing."`

	// Clock gives the time at which a file is stored, and ends a Lag. nil
	// means time.Now. It must not return the zero time.
	Clock func() time.Time `ltx:"-"`

	// Sleep waits for d, for Fault.Delay, or returns an error as soon as ctx
	// ends. nil waits with a timer, which is right under testing/synctest too.
	Sleep func(ctx context.Context, d time.Duration) error `ltx:"-"`

	// Logger is where the client logs. nil means slog.Default.
	Logger *slog.Logger `ltx:"-"`
}

func (cfg Config) check() (backend.Keys, error) {
	if err := settings.Validate(typeName, cfg); err != nil {
		return backend.Keys{}, err
	}
	if cfg.Clock != nil && cfg.Clock().IsZero() {
		return backend.Keys{}, backend.Invalid(typeName, "init", "Clock", time.Time{}, "want a time that is not zero, which CreatedAt may not be")
	}
	keys, err := backend.NewKeys(cfg.Layout, cfg.Path)
	if err != nil {
		err = backend.Refused(typeName, "init", "", err)
	}
	return keys, err
}

func (cfg Config) pageSize() int { return cmp.Or(cfg.PageSize, 1000) }
