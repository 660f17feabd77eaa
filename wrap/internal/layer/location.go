package layer

import (
	"context"
	"fmt"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// Location returns the location of a wrapper around clients: their locations, prefixed with
// the wrapper's name unless that is empty. It is empty if one of them has none.
func Location(ctx context.Context, wrapper string, clients ...ltxstore.ReplicaClient) (string, error) {
	var locations []string
	for _, client := range clients {
		locator, ok := client.(backend.Locator)
		if !ok {
			return "", nil
		}
		location, err := locator.Location(ctx)
		if err != nil || location == "" {
			return "", err
		}
		locations = append(locations, location)
	}
	if wrapper == "" {
		return locations[0], nil
	}
	return fmt.Sprintf("%s%q", wrapper, locations), nil
}
