package readonly_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/readonly"
)

func Example() {
	client := readonly.New(mock.NewReplicaClient(mock.Config{}), readonly.Config{})
	_, err := client.WriteLTXFile(context.Background(), 0, 1, 1, strings.NewReader("a transaction"))
	fmt.Println(errors.Is(err, fs.ErrPermission))
	// Output: true
}
