package readonly

import "github.com/ltxstore/ltxstore/backend/settings"

func init() {
	settings.RegisterWrapper(settings.Wrapper[Config, *Client]{
		Names: []string{"readonly"},
		New:   New,
	})
}
