-- One row per schedule structure of any year: its calendar's school and scope.
-- Reads: ScheduleStructure, calendar_scope.
SELECT
    st.structureID,
    st.calendarID,
    trim(st.name) AS structure_name,
    c.schoolID,
    c.school_year,
    coalesce(c.in_scope, true) AS in_scope,
    CASE
        WHEN c.calendarID IS NULL
            THEN concat('orphan_row: ScheduleStructure.calendarID=', st.calendarID)
        ELSE c.orphan
    END AS orphan
FROM ScheduleStructure st
LEFT JOIN calendar_scope c ON c.calendarID = st.calendarID
