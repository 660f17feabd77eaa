package s3

import (
	"context"
	"fmt"

	"github.com/ltxstore/ltxstore"
)

var _ ltxstore.Locator = (*ReplicaClient)(nil)

// Location implements ltxstore.Locator, with the endpoint and the region that Init
// has found.
func (c *ReplicaClient) Location(ctx context.Context) (string, error) {
	r, err := c.init(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%q", []string{backend, r.cfg.Endpoint, r.cfg.Region, r.cfg.Bucket, r.keys.Prefix(), r.keys.Layout().String()}), nil
}
