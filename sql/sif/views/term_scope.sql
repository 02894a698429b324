-- One row per term of any year: its schedule's name, its school and scope.
-- Reads: Term, TermSchedule, structure_scope.
SELECT
    t.termID,
    trim(t.name) AS term_name,
    t.seq,
    t.startDate,
    t.endDate,
    trim(ts.name) AS schedule_name,
    st.schoolID,
    st.school_year,
    coalesce(st.in_scope, true) AS in_scope,
    CASE
        WHEN ts.termScheduleID IS NULL
            THEN concat('orphan_row: Term.termScheduleID=', t.termScheduleID)
        WHEN st.structureID IS NULL
            THEN concat('orphan_row: TermSchedule.structureID=', ts.structureID)
        ELSE st.orphan
    END AS orphan
FROM Term t
LEFT JOIN TermSchedule ts ON ts.termScheduleID = t.termScheduleID
LEFT JOIN structure_scope st ON st.structureID = ts.structureID
