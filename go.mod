module github.com/ltxstore/ltxstore

go 1.26.0

require (
	github.com/avast/retry-go/v5 v5.1.1
	github.com/pierrec/lz4/v4 v4.1.23
	github.com/stretchr/testify v1.12.1
	github.com/superfly/ltx v0.5.3
)

require go.yaml.in/yaml/v3 v3.0.5 // indirect
