package settings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// plan is a Source that was decoded and checked: the Configs of the store and
// of its wrappers.
type plan struct {
	driver     *driver
	cfg        reflect.Value // of a *C
	findLayout bool
	layers     []wrapping // the innermost first
}

type wrapping struct {
	*wrapper
	cfg     any // *C
	mirrors []ltxstore.Source
}

// plan returns everything that is wrong with src as one error. It makes no
// client, and keeps nothing.
func (d *driver) plan(src ltxstore.Source) (*plan, error) {
	all := d.divide(src)
	p := &plan{driver: d}
	var err error
	p.cfg, p.findLayout, err = d.config(all.store, src)
	wrong := []error{d.failed(all.err, part{}), d.failed(err, all.store)}
	retries := d.retries(p.cfg.Elem())
	for _, l := range slices.Backward(all.layers) {
		for n, other := range l.mirrors {
			wrong = append(wrong, settings.Each(other.Check(), func(err error) error { return ofMirror(n, err) }))
		}
		cfg, on, err := l.config(retries)
		if on {
			p.layers = append(p.layers, wrapping{l.wrapper, cfg, l.mirrors})
		}
		wrong = append(wrong, d.failed(err, l.part))
	}
	return p, settings.Join(wrong...)
}

// config decodes and checks the part of the store.
func (d *driver) config(store part, src ltxstore.Source) (cfg reflect.Value, findLayout bool, err error) {
	if src.Getenv == nil {
		src.Getenv = os.LookupEnv
	}
	cfg = reflect.New(d.typ)
	findLayout, err = store.decode(src.Layout, cfg.Elem())
	err = settings.Join(err, d.validate(d.schemes[0], cfg.Elem())) // all that is wrong is told
	if err == nil {
		err = d.check(cfg.Interface(), src)
	}
	return cfg, findLayout, err
}

// config decodes and checks the part of a wrapper, and reports whether the
// wrapper is turned on. retries says whether the client inside retries
// requests.
func (l layer) config(retries bool) (cfg any, on bool, err error) {
	v := reflect.New(l.typ)
	on, err = l.decodeWrapper(len(l.mirrors) > 0, v.Elem())
	cfg = v.Interface()
	l.wrapper.mirrors(cfg, make([]ltxstore.ReplicaClient, len(l.mirrors)))
	if err == nil && on {
		err = l.wrapper.check(cfg, retries)
	}
	return cfg, on, err
}

// failed returns each of the errors that err consists of as an error of the
// backend, with settings in place of Go fields.
func (d *driver) failed(err error, of part) error {
	return settings.Each(err, func(err error) error {
		if already := new(ltxstore.Error); !errors.As(err, &already) {
			err = &ltxstore.Error{Op: "init", Backend: d.schemes[0], Kind: fs.ErrInvalid, Err: err}
		}
		err, _ = of.explain(err)
		return err
	})
}

func ofMirror(n int, err error) error { return fmt.Errorf("%s.%d: %w", mirror, n, err) }

// retries reports whether a client with the given Config repeats requests: it
// does if the Config has a ltxstore.Retry that says so.
func (t *Table) retries(cfg reflect.Value) bool {
	return slices.ContainsFunc(t.rows, func(r row) bool {
		if len(r.index) < 2 {
			return false
		}
		retry, ok := cfg.FieldByIndex(r.index[:len(r.index)-1]).Interface().(ltxstore.Retry)
		return ok && retry.WithDefaults().MaxAttempts > 1
	})
}

// Check is ltxstore.Source.Check.
func (d *driver) Check(src ltxstore.Source) error {
	_, err := d.plan(src)
	return err
}

// Open is ltxstore.OpenSource.
func (d *driver) Open(ctx context.Context, src ltxstore.Source) (ltxstore.ReplicaClient, error) {
	p, err := d.plan(src)
	if err != nil {
		return nil, err
	}
	if p.findLayout {
		layout, found, err := ltxstore.FindLayout(ctx, func(layout ltxstore.Layout) (ltxstore.ReplicaClient, error) { return p.open(layout), nil })
		if err != nil {
			return nil, err
		}
		if found {
			return p.wrap(ctx, p.open(layout))
		}
	}
	return p.wrap(ctx, d.open(p.cfg.Interface()))
}

// open returns a client of the store with a layout. Wrappers do not change
// names, so they do not matter where a layout is found out.
func (p *plan) open(layout ltxstore.Layout) ltxstore.ReplicaClient {
	cfg := reflect.New(p.driver.typ)
	cfg.Elem().Set(p.cfg.Elem())
	if r, _, ok := p.driver.find(layoutName); ok {
		cfg.Elem().FieldByIndex(r.index).Set(reflect.ValueOf(layout))
	}
	return p.driver.open(cfg.Interface())
}

// wrap puts a client of the store into the wrappers. If it fails, it closes
// the client.
func (p *plan) wrap(ctx context.Context, client ltxstore.ReplicaClient) (ltxstore.ReplicaClient, error) {
	for _, l := range p.layers {
		opened := []ltxstore.ReplicaClient{client}
		for n, src := range l.mirrors {
			other, err := ltxstore.OpenSource(ctx, src)
			if err != nil {
				err = ofMirror(n, err)
				for _, client := range opened {
					err = errors.Join(err, ltxstore.Close(client))
				}
				return nil, err
			}
			opened = append(opened, other)
		}
		l.wrapper.mirrors(l.cfg, opened[1:])
		client = l.wrap(client, l.cfg)
	}
	return client, nil
}

// Explain is ltxstore.Source.Explain.
func (d *driver) Explain(src ltxstore.Source, err error) error {
	all := d.divide(src)
	parts := []part{all.store}
	for _, l := range all.layers {
		parts = append(parts, l.part)
	}
	for _, p := range parts {
		if told, ok := p.explain(err); ok {
			return told
		}
	}
	return err
}

// Plain reports whether a setting, of the backend or of a wrapper, is known
// and its value no secret.
func (d *driver) Plain(key, value string) bool {
	_, secret, ok := d.Lookup(key)
	if w := wrapperNamed(settings.WrapperOf(key)); !ok && w != nil {
		if _, secret, ok = w.Lookup(key); !strings.Contains(key, ".") {
			_, err := settings.ParseBool(value) // else it may be a URL
			ok = ok && err == nil
		}
	}
	return ok && !secret
}

// Store is ltxstore.Source.Store.
func (d *driver) Store(src ltxstore.Source) ltxstore.Source {
	ofWrapper := func(key, _ string) bool {
		_, _, ok := d.find(key)
		return !ok && settings.WrapperOf(key) != ""
	}
	place, query, hasQuery := strings.Cut(src.URL, "?")
	params := slices.DeleteFunc(strings.Split(query, "&"), func(param string) bool {
		key, _, _ := strings.Cut(param, "=")
		key, err := url.QueryUnescape(key)
		return err == nil && ofWrapper(key, "")
	})
	if src.URL = place; hasQuery && len(params) > 0 {
		src.URL += "?" + strings.Join(params, "&")
	}
	src.Settings, src.Defaults, src.Mirrors = maps.Clone(src.Settings), maps.Clone(src.Defaults), nil
	maps.DeleteFunc(src.Settings, ofWrapper)
	maps.DeleteFunc(src.Defaults, ofWrapper)
	return src
}
