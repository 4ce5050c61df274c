// Package work is the client of 企业微信 (WeCom): contacts, tags, groups, and messages that a member of staff must confirm. Thin, one method
// an endpoint.
package work

import (
	"context"
	"net/http"
	"net/url"

	"guanxi/internal/base/clock"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/wechat"
)

// Client speaks for one application of a company.
type Client struct {
	Corp channels.Corp
	api  *wechat.Caller
}

// New makes a client.
func New(corp channels.Corp, hosts channels.Hosts, d channels.Doer, c clock.Clock) *Client {
	x := &Client{Corp: corp, api: &wechat.Caller{Base: hosts.Work, HTTP: d, Clock: c}}
	x.api.Fetch = x.token
	return x
}

func (c *Client) token(ctx context.Context) (string, int64, error) {
	var out struct {
		Token   string `json:"access_token"`
		Expires int64  `json:"expires_in"`
	}
	q := url.Values{"corpid": {c.Corp.CorpID}, "corpsecret": {c.Corp.Secret.Reveal()}}
	err := c.api.Open(ctx, http.MethodGet, "/cgi-bin/gettoken", q, nil, &out)
	return out.Token, out.Expires, err
}

// Ping says whether the credentials are good.
func (c *Client) Ping(ctx context.Context) error { _, err := c.api.Token(ctx); return err }

const contact = "/cgi-bin/externalcontact"

// Staff lists who may speak with customers.
func (c *Client) Staff(ctx context.Context) (users []string, err error) {
	var out struct {
		Users []string `json:"follow_user"`
	}
	return out.Users, c.api.Get(ctx, contact+"/get_follow_user_list", nil, &out)
}

// Customers lists those of one member of staff.
func (c *Client) Customers(ctx context.Context, user string) (ids []string, err error) {
	var out struct {
		IDs []string `json:"external_userid"`
	}
	err = c.api.Get(ctx, contact+"/list", url.Values{"userid": {user}}, &out)
	return out.IDs, err
}

// Customer is one customer, and who speaks with them.
type Customer struct {
	Contact struct {
		ID      string `json:"external_userid"`
		Name    string `json:"name"`
		UnionID string `json:"unionid"`
	} `json:"external_contact"`
	Follow []struct {
		User  string `json:"userid"`
		State string `json:"state"` // of the code by which they came
		Tags  []struct {
			ID   string `json:"tag_id"`
			Name string `json:"tag_name"`
		} `json:"tags"`
	} `json:"follow_user"`
}

// Customer asks about one.
func (c *Client) Customer(ctx context.Context, id string) (out Customer, err error) {
	return out, c.api.Get(ctx, contact+"/get", url.Values{"external_userid": {id}}, &out)
}

// TagGroup is a group of the company's tags.
type TagGroup struct {
	ID   string `json:"group_id"`
	Name string `json:"group_name"`
	Tags []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"tag"`
}

// Tags lists the company's tags.
func (c *Client) Tags(ctx context.Context) ([]TagGroup, error) {
	var out struct {
		Groups []TagGroup `json:"tag_group"`
	}
	err := c.api.Ask(ctx, contact+"/get_corp_tag_list", map[string]any{}, &out)
	return out.Groups, err
}

// AddTags makes tags in a group.
func (c *Client) AddTags(ctx context.Context, group string, names ...string) (TagGroup, error) {
	tags := []map[string]string{}
	for _, n := range names {
		tags = append(tags, map[string]string{"name": n})
	}
	var out struct {
		Group TagGroup `json:"tag_group"`
	}
	err := c.api.Do(ctx, contact+"/add_corp_tag", map[string]any{"group_name": group, "tag": tags}, &out)
	return out.Group, err
}

// Mark gives tags to a customer and takes others away.
func (c *Client) Mark(ctx context.Context, user, customer string, add, remove []string) error {
	return c.api.Ask(ctx, contact+"/mark_tag", map[string]any{"userid": user, "external_userid": customer, "add_tag": add, "remove_tag": remove}, nil)
}

// Remark writes what staff see beside a customer's name.
func (c *Client) Remark(ctx context.Context, user, customer, remark string) error {
	return c.api.Ask(ctx, contact+"/remark", map[string]any{"userid": user, "external_userid": customer, "remark": remark}, nil)
}

// Way is a code by which customers reach staff.
type Way struct {
	ID string `json:"config_id"`
	QR string `json:"qr_code"`
}

// AddWay makes one; state (up to 30 characters) comes back with who used it.
func (c *Client) AddWay(ctx context.Context, state string, users ...string) (out Way, err error) {
	in := map[string]any{"type": 2, "scene": 2, "skip_verify": true, "state": state, "user": users}
	return out, c.api.Do(ctx, contact+"/add_contact_way", in, &out)
}

// Groups lists the customer groups of staff.
func (c *Client) Groups(ctx context.Context) (ids []string, err error) {
	var out struct {
		List []struct {
			ID string `json:"chat_id"`
		} `json:"group_chat_list"`
	}
	err = c.api.Ask(ctx, contact+"/groupchat/list", map[string]any{"limit": 1000}, &out)
	for _, g := range out.List {
		ids = append(ids, g.ID)
	}
	return ids, err
}

// GroupMember is who is in a customer group.
type GroupMember struct {
	ID      string `json:"userid"` // external_userid of a customer
	Type    int    `json:"type"`
	UnionID string `json:"unionid"`
}

// Customer says whether it is no employee.
func (m GroupMember) Customer() bool { return m.Type == 2 }

// Group lists who is in a customer group.
func (c *Client) Group(ctx context.Context, chat string) ([]GroupMember, error) {
	var out struct {
		Group struct {
			Members []GroupMember `json:"member_list"`
		} `json:"group_chat"`
	}
	return out.Group.Members, c.api.Ask(ctx, contact+"/groupchat/get", map[string]any{"chat_id": chat, "need_name": 0}, &out)
}

// Task is a message that waits for staff.
type Task struct {
	ID     string   `json:"msgid"`
	Failed []string `json:"fail_list"`
}

// Send asks a member of staff to send a text to customers: it only makes a task, and nothing arrives before it is confirmed.
func (c *Client) Send(ctx context.Context, sender string, customers []string, text string) (out Task, err error) {
	in := map[string]any{"chat_type": "single", "external_userid": customers, "sender": sender, "text": map[string]string{"content": text}}
	return out, c.api.Do(ctx, contact+"/add_msg_template", in, &out)
}

// SendToGroups is Send to customer groups.
func (c *Client) SendToGroups(ctx context.Context, sender string, groups []string, text string) (out Task, err error) {
	in := map[string]any{"chat_type": "group", "chat_id_list": groups, "sender": sender, "text": map[string]string{"content": text}}
	return out, c.api.Do(ctx, contact+"/add_msg_template", in, &out)
}

// States of a message to one customer.
const (
	Waiting = 0 // for staff
	Went    = 1
	NoMore  = 2 // no longer a customer
	TooMany = 3 // got as many as one may this month
)

// Result is what became of a task for one customer.
type Result struct {
	Customer string `json:"external_userid"`
	User     string `json:"userid"`
	State    int    `json:"status"`
	At       int64  `json:"send_time"`
}

// Results tells what became of a task.
func (c *Client) Results(ctx context.Context, task, user string) ([]Result, error) {
	var out struct {
		List []Result `json:"send_list"`
	}
	err := c.api.Ask(ctx, contact+"/get_groupmsg_send_result", map[string]any{"msgid": task, "userid": user, "limit": 1000}, &out)
	return out.List, err
}

// Remind asks staff once more, at most three times in a day.
func (c *Client) Remind(ctx context.Context, task string) error {
	return c.api.Do(ctx, contact+"/remind_groupmsg_send", map[string]string{"msgid": task}, nil)
}

// Cancel takes a task back that was not confirmed.
func (c *Client) Cancel(ctx context.Context, task string) error {
	return c.api.Ask(ctx, contact+"/cancel_groupmsg_send", map[string]string{"msgid": task}, nil)
}

// Welcome greets a new customer with the code of the event, within 20 seconds.
func (c *Client) Welcome(ctx context.Context, code, text string) error {
	return c.api.Do(ctx, contact+"/send_welcome_msg", map[string]any{"welcome_code": code, "text": map[string]string{"content": text}}, nil)
}

// Tell sends an application message to staff.
func (c *Client) Tell(ctx context.Context, user, text string) error {
	in := map[string]any{"touser": user, "msgtype": "text", "agentid": c.Corp.AgentID, "text": map[string]string{"content": text}, "enable_duplicate_check": 1}
	return c.api.Do(ctx, "/cgi-bin/message/send", in, nil)
}
