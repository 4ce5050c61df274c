// Package cluster holds tests of what is more than one process: two of ours on one database server, and the server
// itself being killed under load. They start a real MariaDB of their own and run where mariadbd is installed; CI
// installs it and runs them in its MariaDB phase.
package cluster
