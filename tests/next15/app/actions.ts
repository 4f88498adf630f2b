'use server'

import { notFound } from 'next/navigation'
import { damson } from '../damson'

export const vote = damson.trackAction('Voted', async (form: FormData): Promise<void> => {
  if (form.get('for') === 'nobody') notFound()
})
