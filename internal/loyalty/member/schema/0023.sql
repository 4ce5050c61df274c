-- whose birthday it is today, and who joined on this day of other years
CREATE INDEX member_profile_birth ON member_profile (birth_md, member_id);
CREATE INDEX member_joined ON member (joined_at, member_id);
