package pay

// OpenUnsigned is Open behind the signature, for fuzzing.
func (c *Client) OpenUnsigned(body []byte) (Notice, error) { return c.opened(body) }
