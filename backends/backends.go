// Package backends registers every backend of the library: with
//
//	import _ "github.com/ltxstore/ltxstore/backends"
//
// ltxstore.Open takes the URLs of all of them, and package config their
// settings. A program that uses few of them imports those instead, and compiles
// less. Wrappers are imported by their own packages.
package backends

import (
	_ "github.com/ltxstore/ltxstore/abs"    // abs:
	_ "github.com/ltxstore/ltxstore/file"   // file:
	_ "github.com/ltxstore/ltxstore/gcs"    // gs:, gcs:
	_ "github.com/ltxstore/ltxstore/mock"   // mem:
	_ "github.com/ltxstore/ltxstore/nats"   // nats:
	_ "github.com/ltxstore/ltxstore/oss"    // oss:
	_ "github.com/ltxstore/ltxstore/s3"     // s3:
	_ "github.com/ltxstore/ltxstore/sftp"   // sftp:
	_ "github.com/ltxstore/ltxstore/webdav" // webdav:, webdavs:
)
