package pay

import "context"

// Check asks about an order that doesn't exist: only who signs rightly, at the right time and for the right merchant, hears
// that there is none.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.Query(ctx, "guanxi-doctor")
	if err != nil && ClassOf(err) == Missing {
		return nil
	}
	return err
}
