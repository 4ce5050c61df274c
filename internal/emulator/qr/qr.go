// Package qr draws the codes that phones scan.
package qr

import "rsc.io/qr"

// PNG is a picture of a code that says a text; empty when the text is too long for one.
func PNG(text string) []byte {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil
	}
	c.Scale = 6
	return c.PNG()
}
