// Package testport gives tests ports for servers that are killed and come back.
package testport

import (
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
)

var last atomic.Int64

// Free is a port that nobody listens on. It lies below those that a kernel gives to connections and to listeners that ask
// for any, so that nobody takes it before it is listened on, nor while its server is away. Each is handed out once.
func Free(t *testing.T) int {
	t.Helper()
	const lowest, number = 12_000, 18_000
	for range number {
		port := lowest + (os.Getpid()*97+int(last.Add(1)))%number
		ln, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)) //nolint:noctx // asked for a number only
		if err != nil {
			continue
		}
		_ = ln.Close()
		return port
	}
	t.Fatal("no port is free")
	return 0
}
