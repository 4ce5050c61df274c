// Package killer holds tests that end a real process with the production driver under load, take its disk space away,
// and start a second one beside it. The test binary runs itself as the child; see child_test.go.
package killer
