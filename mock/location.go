package mock

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/ltxstore/ltxstore/backend"
)

var _ backend.Locator = (*ReplicaClient)(nil)

// Location implements backend.Locator. Each process has Stores of its own, so
// the location differs between processes.
func (c *ReplicaClient) Location(ctx context.Context) (string, error) {
	p, err := c.memory.init(ctx, "init")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%q", []string{typeName, c.Store().name(), p.keys.Prefix(), p.keys.Layout().String()}), nil
}

// name returns a text that no other Store has.
func (s *Store) name() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id == "" {
		s.id = rand.Text()
	}
	return s.id
}
