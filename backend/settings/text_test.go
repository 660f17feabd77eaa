package settings

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
)

func TestText(t *testing.T) {
	type shown struct {
		Path     string            `ltx:"path,path"`
		Endpoint string            `ltx:"endpoint"`
		Name     string            `ltx:"name"`
		Key      string            `ltx:"key,secret"`
		Count    int               `ltx:"count"`
		Wait     time.Duration     `ltx:"wait"`
		Maybe    *bool             `ltx:"maybe"`
		Tags     map[string]string `ltx:"tags"`
		Layout   ltxstore.Layout   `ltx:"layout"`
		Func     func()            `ltx:"-"`
	}
	no := false
	for want, cfg := range map[string]shown{
		`settings.shown{Layout:default}`:                                    {Tags: map[string]string{}},
		`settings.shown{Path:"a@b?c" Name:"n" Count:3 Layout:default}`:      {Path: "a@b?c", Name: "n", Count: 3},
		`settings.shown{Wait:1m0s Maybe:false Layout:litestream}`:           {Wait: time.Minute, Maybe: &no, Layout: ltxstore.LayoutLitestream},
		`settings.shown{Endpoint:[redacted] Key:[redacted] Layout:default}`: {Endpoint: "https://u:p@host", Key: "k"},
		`settings.shown{Endpoint:[redacted] Layout:default}`:                {Endpoint: "host?token=t"},
		`settings.shown{Endpoint:[redacted] Tags:map[a:b] Layout:default}`:  {Endpoint: "https%3a//u%40host", Tags: map[string]string{"a": "b"}},
		`settings.shown{Endpoint:"https://host:9000/x" Layout:default}`:     {Endpoint: "https://host:9000/x"},
		`settings.shown{Path:"[redacted]" Name:"[redacted]" Tags:map[a:[redacted]] Layout:default}`: {
			Path: "AGE-SECRET-KEY-1QYQ", Name: "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", Tags: map[string]string{"a": "AGE-SECRET-KEY-1QYQ"}},
	} {
		assert.Equal(t, want, Text(cfg))
	}
}
