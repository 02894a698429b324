-- One row per section in scope that has a place in a term: its first and last day.
-- Reads: SectionPlacement, section_scope, Term.
SELECT
    s.sectionID,
    min(t.startDate) AS first_date,
    max(t.endDate) AS last_date
FROM section_scope s
JOIN SectionPlacement p ON p.sectionID = s.sectionID AND p.trialID = s.trialID
JOIN Term t ON t.termID = p.termID
WHERE s.in_scope
GROUP BY s.sectionID
