package settings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// plan decodes and checks src. The error contains all problems. It makes no client, and
// keeps nothing.
func (d *driver) plan(src ltxstore.Source) (*plan, error) {
	p, err := d.divide(src)
	wrong := []error{d.failed(err, p.store), d.failed(p.decode(src), p.store)}
	retries := d.retries(p.cfg.Elem())
	for _, l := range slices.Backward(p.layers) {
		for n, other := range l.mirrors {
			wrong = append(wrong, settings.Each(other.Check(), func(err error) error { return ofMirror(n, err) }))
		}
		wrong = append(wrong, d.failed(l.decode(retries), l.part))
	}
	return p, settings.Join(wrong...)
}

// decode decodes and checks the part of the store.
func (p *plan) decode(src ltxstore.Source) (err error) {
	if src.Getenv == nil {
		src.Getenv = os.LookupEnv
	}
	d := p.driver
	p.cfg = reflect.New(d.typ)
	p.findLayout, err = p.store.decode(src.Layout, p.cfg.Elem())
	err = settings.Join(err, d.validate(d.schemes[0], p.cfg.Elem())) // all that is wrong is told
	if err != nil {
		return err
	}
	return d.check(p.cfg.Interface(), src)
}

// failed returns each of the errors that err consists of as an error of the
// backend, with settings in place of Go fields.
func (d *driver) failed(err error, of part) error {
	return settings.Each(err, func(err error) error {
		own := new(ltxstore.Error)
		if !errors.As(err, &own) {
			own = &ltxstore.Error{Op: "init", Backend: d.schemes[0], Kind: fs.ErrInvalid, Err: err}
		}
		return of.explain(own)
	})
}

func ofMirror(n int, err error) error { return fmt.Errorf("%s.%d: %w", mirror, n, err) }

// retries reports whether a client with the given Config repeats requests: it
// does if the Config has a ltxstore.Retry that says so.
func (t *Table) retries(cfg reflect.Value) bool {
	return slices.ContainsFunc(t.rows, func(r row) bool {
		retry, ok := r.retry(cfg)
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
	for _, l := range slices.Backward(p.layers) {
		if l.cfg == nil {
			continue
		}
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
		client = l.wrapper.wrap(client, l.cfg)
	}
	return client, nil
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
