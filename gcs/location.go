package gcs

import (
	"context"
	"fmt"

	"github.com/ltxstore/ltxstore"
)

var _ ltxstore.Locator = (*ReplicaClient)(nil)

// Location implements ltxstore.Locator. It is empty with a Config.Client, which does
// not tell its endpoint.
func (c *ReplicaClient) Location(ctx context.Context) (string, error) {
	r, err := c.init(ctx)
	if err != nil || r.cfg.Client != nil {
		return "", err
	}
	return fmt.Sprintf("%q", []string{backend, r.cfg.Endpoint, r.cfg.Bucket, r.keys.Prefix(), r.keys.Layout().String()}), nil
}
