package wraptest

import (
	"net/url"
	"reflect"
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// Settings sees each setting of a wrapper make the Config that want has for its
// name and text, by a URL and by a file alike; without settings it is bare,
// unless that is nil. configOf returns what the wrapper was made with.
func Settings[C any](t *testing.T, name string, configOf func(ltxstore.ReplicaClient) C, bare *C, want map[[2]string]C) {
	t.Helper()
	check := func(src ltxstore.Source, want C) {
		t.Helper()
		client, err := ltxstore.OpenSource(t.Context(), src)
		if err != nil {
			t.Errorf("%+v: %v", src, err)
		} else if got := configOf(client); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v gives %+v: want %+v", src, got, want)
		}
	}
	if bare != nil {
		check(ltxstore.Source{URL: "mem://?" + name + "=true"}, *bare)
	}
	tested := make(map[string]bool)
	for setting, cfg := range want {
		tested[setting[0]] = true
		key := name + "." + setting[0]
		check(ltxstore.Source{URL: "mem://?" + url.Values{key: {setting[1]}}.Encode()}, cfg)
		check(ltxstore.Source{Type: "mem", Settings: map[string]string{key: setting[1]}}, cfg)
	}
	for _, setting := range Names(name) {
		if !tested[setting] {
			t.Errorf("%s is not tested", setting)
		}
	}
}

// Names returns the settings of a wrapper that is registered.
func Names(wrapper string) []string {
	return settings.Wrappers().Get(wrapper).Names()
}
