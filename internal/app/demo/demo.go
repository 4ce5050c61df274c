// Package demo holds the sample data (演示数据) that shows the program at work.
package demo

import _ "embed"

// OnlineRetail is a gzipped order file of a British gift shop; README.md says where it is from.
//
//go:embed online-retail.csv.gz
var OnlineRetail []byte
