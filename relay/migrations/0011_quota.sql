-- What a tenant may have at most (absent: no limit), and what it has: counted where it changes, so that nothing is counted anew.
ALTER TABLE tenant ADD COLUMN max_conversations INTEGER;
ALTER TABLE tenant ADD COLUMN max_devices INTEGER;
ALTER TABLE tenant ADD COLUMN max_bytes INTEGER;
ALTER TABLE tenant ADD COLUMN conversations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenant ADD COLUMN devices INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenant ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE tenant SET
    conversations = (SELECT count(*) FROM conversation c
                     JOIN incarnation i ON i.tenant = c.tenant AND i.conversation = c.conversation
                                       AND i.incarnation = c.incarnation
                     WHERE c.tenant = tenant.tenant AND i.over IS NOT 'closed'),
    devices = (SELECT count(*) FROM device d WHERE d.tenant = tenant.tenant AND d.active = 1),
    bytes = (SELECT coalesce(sum(length(b.body)), 0) FROM body b WHERE b.tenant = tenant.tenant);

CREATE TRIGGER tenant_conversation_opened AFTER INSERT ON conversation BEGIN
    UPDATE tenant SET conversations = conversations + 1 WHERE tenant = NEW.tenant;
END;
-- The last member has left it.
CREATE TRIGGER tenant_conversation_closed AFTER UPDATE OF over ON incarnation
WHEN NEW.over = 'closed' AND OLD.over IS NULL BEGIN
    UPDATE tenant SET conversations = conversations - 1 WHERE tenant = NEW.tenant;
END;
-- It goes on all the same, in the next incarnation.
CREATE TRIGGER tenant_conversation_again AFTER UPDATE OF incarnation ON conversation
WHEN NEW.incarnation <> OLD.incarnation AND 'closed' = (
    SELECT i.over FROM incarnation i
    WHERE i.tenant = OLD.tenant AND i.conversation = OLD.conversation AND i.incarnation = OLD.incarnation) BEGIN
    UPDATE tenant SET conversations = conversations + 1 WHERE tenant = NEW.tenant;
END;
CREATE TRIGGER tenant_device_came AFTER INSERT ON device WHEN NEW.active = 1 BEGIN
    UPDATE tenant SET devices = devices + 1 WHERE tenant = NEW.tenant;
END;
CREATE TRIGGER tenant_device_went AFTER UPDATE OF active ON device WHEN NEW.active <> OLD.active BEGIN
    UPDATE tenant SET devices = devices + NEW.active - OLD.active WHERE tenant = NEW.tenant;
END;
CREATE TRIGGER tenant_body_came AFTER INSERT ON body BEGIN
    UPDATE tenant SET bytes = bytes + length(NEW.body) WHERE tenant = NEW.tenant;
END;
CREATE TRIGGER tenant_body_went AFTER DELETE ON body BEGIN
    UPDATE tenant SET bytes = bytes - length(OLD.body) WHERE tenant = OLD.tenant;
END;
