// Package web is the server's side of HTTP: doors, typed routes, problems, idempotent writes, lists, sessions and
// the API reference. Nothing else speaks HTTP to callers.
//
// A door is a group of callers who prove who they are in one way (staff, members, signed partners). A route stands
// behind a door and names the permission it asks for; a route without one can't be registered. What a request meets,
// in this order: rate limit, size, origin, who is it, may it, media type, idempotency key, schema, handler.
//
// Route takes the input and the reply as types. The input's fields carry the tags of huma (path, query, header, and
// a Body struct with json, minLength, enum …); whatever is wrong with a request is answered at once, field by field,
// without repeating what was sent. The doc tag of a field is written in both languages: `doc:"手机号|phone number"`.
//
// A write route runs its effect in Write: the caller's key, the effect and the reply commit together, so that a
// request sent twice is applied once and answered twice with the same bytes.
package web
