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
		`toy.Config{Layout:default}`:                                    {Tags: map[string]string{}},
		`toy.Config{Path:"a@b?c" Name:"n" Count:3 Layout:default}`:      {Path: "a@b?c", Name: "n", Count: 3},
		`toy.Config{Wait:1m0s Maybe:false Layout:litestream}`:           {Wait: time.Minute, Maybe: &no, Layout: ltxstore.LayoutLitestream},
		`toy.Config{Endpoint:[redacted] Key:[redacted] Layout:default}`: {Endpoint: "https://u:p@host", Key: "k"},
		`toy.Config{Endpoint:[redacted] Layout:default}`:                {Endpoint: "host?token=t"},
		`toy.Config{Endpoint:[redacted] Tags:map[a:b] Layout:default}`:  {Endpoint: "https%3a//u%40host", Tags: map[string]string{"a": "b"}},
		`toy.Config{Endpoint:"https://host:9000/x" Layout:default}`:     {Endpoint: "https://host:9000/x"},
		`toy.Config{Path:"[redacted]" Name:"[redacted]" Tags:map[a:[redacted]] Layout:default}`: {
			Path: "AGE-SECRET-KEY-1QYQ", Name: "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", Tags: map[string]string{"a": "AGE-SECRET-KEY-1QYQ"}},
	} {
		assert.Equal(t, want, Text("toy.Config", cfg))
	}
}
