package journal

import "github.com/readtrail/readtrail/proto"

// lookAhead asks the index for all ids of a request at once. Its error is the index's.
func (c *committer) lookAhead(req *request) (err error) {
	c.asked = c.asked[:0]
	for i := range req.items {
		if id := req.items[i].id; !id.IsZero() {
			c.asked = append(c.asked, id)
		}
	}
	if len(c.asked) >= fewIDs {
		c.ahead, err = c.index.find(c.asked)
	}
	return err
}

// forget ends looking ahead: the index is asked again, and knows what has landed.
func (c *committer) forget() {
	for _, ids := range c.landed {
		for _, id := range ids {
			delete(c.recent, id)
		}
	}
	clear(c.landed)
	c.landed, c.ahead = c.landed[:0], nil
}

// look finds an id of the request under work among what is on its way, then in the index.
func (c *committer) look(id proto.EventID) (sighting, bool, error) {
	if s, ok := c.recent[id]; ok {
		return s, true, nil
	}
	if c.ahead != nil {
		s, ok := c.ahead[id]
		return s, ok, nil
	}
	return c.index.get(id)
}

// lookAlone is look for an id that was not looked up ahead.
func (c *committer) lookAlone(id proto.EventID) (sighting, bool, error) {
	if s, ok := c.recent[id]; ok {
		return s, true, nil
	}
	return c.index.get(id)
}
